-- POSTs the full profile of one customer, for wrk.
local file = assert(io.open("bench/http/customer.json"))
wrk.method = "POST"
wrk.path = "/predict/churn"
wrk.headers["content-type"] = "application/json"
wrk.body = file:read("a")
file:close()

-- A failure would be quick, and flatter the figure.
function done(summary)
  local bad = summary.errors.status + summary.errors.read + summary.errors.timeout
  if bad > 0 then
    io.write(string.format("%d of the requests FAILED\n", bad))
  end
end
