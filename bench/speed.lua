-- The requests of wrk for bench/speed, and the check of the answers.
--     wrk -t1 … -s bench/speed.lua URL -- name=value …
-- tokens, sessions   their numbers
-- fields             the number of random fields that a call sets in addition to its marker
-- fields_set         sent if it is not empty
-- pad                the size of the body in bytes
-- utf8               1: the padding has letters in UTF-8; 0: as \u escapes
-- pass_code          1: set one
-- static             1: only GET the URL
local option = { tokens = 1000, sessions = 1, fields = 3, fields_set = "", pad = 0, utf8 = 0, pass_code = 0 }
local names = { "udf_string_1", "udf_string_2", "udf_string_3", "udf_float_1", "udf_float_2", "udf_date_1" }
local head, tail

-- Markers of calls that wait for an answer. wrk does not show to which request an answer
-- belongs.
local sent = {}
local marker = 0
checked, wrong, example = 0, 0, ""

local thread
function setup(one)
    thread = one
end

-- Members that the module reads and ignores. They make the body BYTES longer.
local function padding(bytes)
    local members, left = {}, bytes
    local letter = option.utf8 == 1 and "\195\169" or "\\u00e9"
    local sentence = "Text that no one asked for, t" .. letter .. "t" .. letter .. ". "
    while left > 20 do
        local text = sentence:rep(4)
        if #text > left - 16 then
            text = ("."):rep(left - 16)
        end
        members[#members + 1] = string.format(',"note_%04d":"%s"', #members, text)
        left = left - #members[#members]
    end
    return table.concat(members)
end

function init(args)
    for _, argument in ipairs(args) do
        local name, value = argument:match("^([^=]+)=(.*)$")
        if name then
            option[name] = tonumber(value) or value
        end
    end
    math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 1000003)
    if option.static == 1 then
        local text = wrk.format("GET")
        request = function() return text end
        response = nil
        return
    end
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    -- All of the request except the body and its length: wrk.format is slow.
    head = wrk.format():gsub("\r\n\r\n$", "\r\nContent-Length: ")
    tail = option.fields_set == "" and "}" or string.format(',"fields_set":"%s"}', option.fields_set)
    if option.pad > 0 then
        tail = padding(option.pad - 250 - #tail) .. tail
    end
    if option.pass_code == 1 then
        tail = ',"pass_code":"a new pass code"' .. tail
    end
end

local function value(index)
    local number = math.random(1000000)
    if index == 6 then
        return string.format('"2024-%02d-15T12:00:00"', number % 12 + 1)
    elseif index > 3 then
        return number .. ".5"
    end
    return string.format('"some text %d"', number)
end

function request()
    local members, used = {}, {}
    for i = 1, option.fields do
        local index = math.random(#names)
        if not used[index] then
            used[index] = true
            members[#members + 1] = string.format(',"%s":%s', names[index], value(index))
        end
    end
    marker = marker + 1
    local text = tostring(marker)
    sent[text] = true
    local token = math.random(option.tokens)
    local body = string.format('{"token":"bench-session-%d","access_token_identifier":'
        .. '{"authentication_code":"%08X%024X"},"card_masked_number":"%s"%s%s',
        math.random(option.sessions), token * 2654435761 % 4294967296, token, text,
        table.concat(members), tail)
    return head .. #body .. "\r\n\r\n" .. body
end

-- An answer is right if it has the marker of a call that waits for one.
function response(status, headers, body)
    local text = body:match('"card_masked_number":"(%d+)"')
    if status == 200 and text and sent[text] and body:find('"code":"OK"', 1, true) then
        sent[text] = nil
        checked = checked + 1
    else
        wrong = wrong + 1
        if example == "" then
            example = status .. " " .. body:sub(1, 500):gsub("%s+", " ")
        end
    end
end

-- One line for bench/speed.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("RESULT requests=%d checked=%d wrong=%d seconds=%.6f p50=%.3f p99=%.3f\n",
        summary.requests, thread:get("checked"), thread:get("wrong"), summary.duration / 1e6,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
    for _, kind in ipairs({ "status", "connect", "read", "write", "timeout" }) do
        if errors[kind] > 0 then
            io.write(string.format("ERRORS %d of kind %s\n", errors[kind], kind))
        end
    end
    if thread:get("wrong") > 0 then
        io.write("EXAMPLE " .. thread:get("example") .. "\n")
    end
end
