-- The requests of wrk for bench/hashing: for a static page, or calls that each set the pass code of one of
-- TOKENS access tokens.
--     wrk … -s bench/hashing.lua URL -- page PAUSE       PAUSE: milliseconds from an answer to the next request
--     wrk … -s bench/hashing.lua URL -- flood TOKENS PAUSE   PAUSE: milliseconds after a 503, as its Retry-After says
local kind, number

function init(args)
    kind, number = args[1], tonumber(args[2])
    math.randomseed(os.time())
    if kind == "flood" then
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "application/json"
        local pause, refused = tonumber(args[3]), 0
        if pause > 0 then
            -- wrk does not show which connection calls delay: one pause for each 503.
            function response(status)
                refused = refused + (status == 503 and 1 or 0)
            end
            function delay()
                if refused == 0 then
                    return 0
                end
                refused = refused - 1
                return pause
            end
        end
    elseif number > 0 then
        function delay()
            return math.random(2 * number - 1)
        end
    end
end

function request()
    if kind == "page" then
        return wrk.format()
    end
    return wrk.format(nil, nil, nil, string.format(
        '{"token": "demo-session-clerk", "access_token_identifier": {"authentication_code": "bench-%d"}, '
        .. '"pass_code": "pass-%d"}', math.random(number), math.random(1000000)))
end

-- One line for bench/hashing: answers, failed ones, microseconds; median and 99th percentile of the answers.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
