-- The requests of wrk for bench/history. Each call changes FIELDS fields of one of TOKENS access tokens.
--     wrk … -s bench/update.lua URL -- TOKENS FIELDS
local tokens, fields
local names = { "udf_string_1", "udf_float_1", "udf_date_1", "card_masked_number", "udf_string_2",
                "udf_string_3", "udf_float_2", "udf_date_2", "udf_string_4", "udf_string_5" }

function init(args)
    tokens, fields = tonumber(args[1]), tonumber(args[2])
    math.randomseed(os.time())
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

local function value(name)
    local number = math.random(1000000)
    if name:find("float") then
        return number .. ".5"
    elseif name:find("date") then
        return string.format('"2024-%02d-%02dT12:00:00"', number % 12 + 1, number % 28 + 1)
    end
    return string.format('"some text %d"', number)
end

function request()
    local members = {}
    for i = 1, fields do
        members[i] = string.format(', "%s": %s', names[i], value(names[i]))
    end
    return wrk.format(nil, nil, nil, string.format(
        '{"token": "demo-session-clerk", "access_token_identifier": {"authentication_code": "bench-%d"}%s}',
        math.random(tokens), table.concat(members)))
end

-- One line for bench/history: calls, failed calls, microseconds; median and 99th percentile of the answers.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
