-- For wrk: POSTs the file BODY, of the media type TYPE, to the address, with the
-- key KEY where there is one.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.method = "POST"
wrk.headers["content-type"] = os.getenv("TYPE")
local key = os.getenv("KEY")
if key then
  wrk.headers["authorization"] = "Bearer " .. key
end
wrk.body = file:read("*a")
file:close()

-- A failure would be quick, and flatter the figure.
function done(summary)
  local bad = summary.errors.status + summary.errors.read + summary.errors.timeout
  if bad > 0 then
    io.write(string.format("%d of the requests FAILED\n", bad))
  end
end
