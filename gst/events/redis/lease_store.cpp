#include "events/redis/lease_store.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "events/lease_clock.hpp"
#include "events/redis/keys.hpp"
#include "util/id.hpp"

namespace campaign::events::redis {

// KEYS: the campaign's record, the store's own. ARGV: what is asked, node, incarnation, epoch, offered to,
// milliseconds. Answers {outcome, epoch, node, incarnation, offered, ran out, remaining, now}; numbers that
// may be long as text, which Lua would round otherwise.
const std::string_view kLeaseScript = R"lua(
local asked, node, incarnation, epoch, offer_to = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local ms = tonumber(ARGV[6])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function whole(number) return string.format('%.0f', number) end

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local store = redis.call('HMGET', KEYS[2], 'run', 'since')
local since = tonumber(store[2])
if store[1] ~= run or not since or since > now then
  since = now
  redis.call('HSET', KEYS[2], 'run', run, 'since', whole(now))
end

local record = redis.call('HMGET', KEYS[1], 'epoch', 'kind', 'node', 'incarnation', 'until')
local last, kind = tonumber(record[1]) or 0, record[2]
local holder, holders_run, till = record[3] or '', record[4] or '', tonumber(record[5]) or 0
local lasts = kind and kind ~= 'free' and till > now
local young = now < since + ms
local forgotten = young and not lasts
local callers = kind == 'held' and holder == node and holders_run == incarnation

local function answer(outcome, of_epoch)
  local remaining = lasts and till - now or young and since + ms - now or 0
  return {outcome, whole(of_epoch or last), holder, holders_run, lasts and kind == 'offered' and 1 or 0,
          kind == 'held' and not lasts and 1 or 0, remaining, whole(now)}
end
local function write(of_epoch, of_kind, of_node, of_incarnation)
  redis.call('HSET', KEYS[1], 'epoch', whole(of_epoch), 'kind', of_kind, 'node', of_node,
             'incarnation', of_incarnation, 'until', whole(now + ms))
  redis.call('PEXPIRE', KEYS[1], 86400000)
end

if asked == 'look' then
  return answer(lasts and 'held' or forgotten and 'young' or 'vacant')
elseif asked == 'acquire' then
  if lasts and (kind == 'offered' and holder ~= node or kind == 'held' and not callers) then
    return answer('held')
  end
  if forgotten then return answer('young') end
  if last > epoch then return answer(lasts and 'held' or 'vacant') end
  local new = math.max(last + 1, now)
  write(new, 'held', node, incarnation)
  return answer('granted', new)
elseif asked == 'renew' then
  if forgotten then return answer('young') end
  if callers and last == epoch then
    write(last, 'held', node, incarnation)
    return answer('granted')
  end
  return answer(lasts and 'held' or 'vacant')
elseif asked == 'release' then
  if callers and last == epoch then
    if offer_to == '' then write(last, 'free', node, incarnation) else write(last, 'offered', offer_to, '') end
  end
  return answer('granted')
elseif asked == 'offer' then
  if lasts then return answer('held') end
  if forgotten then return answer('young') end
  write(last, 'offered', offer_to, '')
  return answer('granted')
end
return redis.error_reply('a lease is asked for in a way that this script does not know')
)lua";

namespace {

using nodes::LeaseReply;
using nodes::LeaseRequest;

const char* name(LeaseRequest::Kind kind) {
  switch (kind) {
    case LeaseRequest::Kind::look:
      return "look";
    case LeaseRequest::Kind::acquire:
      return "acquire";
    case LeaseRequest::Kind::renew:
      return "renew";
    case LeaseRequest::Kind::release:
      return "release";
    case LeaseRequest::Kind::offer:
      return "offer";
  }
  return "";
}

std::optional<LeaseReply::Outcome> outcome(std::string_view text) {
  if (text == "granted") return LeaseReply::Outcome::granted;
  if (text == "held") return LeaseReply::Outcome::held;
  if (text == "vacant") return LeaseReply::Outcome::vacant;
  if (text == "young") return LeaseReply::Outcome::young;
  return {};
}

}  // namespace

std::vector<std::string> lease_arguments(const LeaseRequest& request) {
  return {name(request.kind),         request.holder.node,
          request.holder.incarnation, std::to_string(request.epoch),
          request.offer_to,           std::to_string(request.time.ns() / 1'000'000)};
}

LeaseReply read_lease_reply(const Reply& reply) {
  if (reply.size() < 7) return {};
  const auto what = outcome(reply[0].text().value_or(""));
  const auto epoch = reply[1].text();
  const auto node = reply[2].text(), incarnation = reply[3].text();
  const auto offered = reply[4].integer(), ran_out = reply[5].integer(), remaining = reply[6].integer();
  if (!what || !epoch || !node || !incarnation || !offered || !ran_out || !remaining) return {};
  // An empty id belongs to nobody; anything else ends up in messages and comparisons.
  if ((!node->empty() && !is_valid_id(*node)) || (!incarnation->empty() && !is_valid_id(*incarnation)))
    return {};
  LeaseReply read{.outcome = *what,
                  .holder = {std::string(*node), std::string(*incarnation)},
                  .offered = *offered == 1,
                  .ran_out = *ran_out == 1,
                  .remaining = nodes::TimeDelta::ms(std::clamp<std::int64_t>(*remaining, 0, 3'600'000))};
  const auto end = epoch->data() + epoch->size();
  if (std::from_chars(epoch->data(), end, read.epoch).ptr != end || epoch->empty()) return {};
  return read;
}

void LeaseStore::ask(const LeaseRequest& request, Answer answer) {
  connection_.eval(
      kLeaseScript, {lease_key(request.campaign), kStoreKey}, lease_arguments(request),
      [answer = std::move(answer)](const Reply& reply) { answer(lease_clock(), read_lease_reply(reply)); });
}

}  // namespace campaign::events::redis
