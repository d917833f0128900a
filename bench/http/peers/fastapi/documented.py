"""FastAPI as its documentation would have a team write it: a function for the thread
pool, a model of the request and of the answer, the key by a dependency.

    FOLDER=… KEY=… uvicorn documented:app --workers 2
"""

from typing import Annotated, Literal

import churn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

app = FastAPI()
bearer = HTTPBearer()


class Prediction(BaseModel):
    target: Literal["churn"]
    model_version: str
    customer_id: str | None
    probability: float
    tier: Literal["low", "medium", "high"]
    percentile: float
    missing: list[str]


async def check_key(given: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> None:
    if not churn.is_key(given.credentials):
        raise HTTPException(status_code=401, detail="unknown key")


@app.post("/predict/churn", dependencies=[Depends(check_key)])
def predict(customer: churn.Customer) -> Prediction:
    return Prediction(**churn.predict(customer))
