// See state_store.hpp.
#include "events/redis/state_store.hpp"

#include <utility>

#include "events/redis/follower.hpp"
#include "events/redis/keys.hpp"
#include "util/hex.hpp"

namespace campaign::events::redis {
namespace {

using namespace state;

constexpr std::size_t kMostRequests = 10'000;  // not answered yet; more fail at once

// Who may not write is told by which epoch. An epoch below that of the lease's record, or of an earlier
// write.
constexpr std::string_view kFence = R"lua(
local stored = redis.call('HMGET', KEYS[1], 'revision', 'epoch', 'document', 'removed')
local revision = tonumber(stored[1] or '0')
local function fenced(epoch)
  local fence = math.max(tonumber(stored[2] or '0'), tonumber(redis.call('HGET', KEYS[3], 'epoch') or '0'))
  if tonumber(epoch) < fence then return {'fenced', string.format('%.0f', fence)} end
end
local function store(after, document, digest, epoch, how, change, token, most)
  if revision == 0 then redis.call('DEL', KEYS[2]) end
  redis.call('HSET', KEYS[1], 'revision', after, 'document', document, 'digest', digest, 'epoch', epoch)
  redis.call('XADD', KEYS[2], 'MAXLEN', most, after .. '-0', how, change, 'digest', digest, 'token', token)
end
)lua";

// KEYS: state, changes, lease, campaigns. ARGV: campaign, channel, epoch, revision before, document, digest,
// patch, token, most changes. A change that was made and not answered for is known by its token.
constexpr std::string_view kCommit = R"lua(
local campaign, channel, epoch, before, document, digest, patch, token, most = unpack(ARGV)
local after = string.format('%.0f', tonumber(before) + 1)
if revision >= tonumber(after) then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], after, after)) do
    local fields = entry[2]
    for i = 1, #fields, 2 do
      if fields[i] == 'token' and fields[i + 1] == token then return {'stored', after, document} end
    end
  end
end
local refusal = fenced(epoch)
if refusal then return refusal end
if revision ~= tonumber(before) then return {'conflict', stored[1] or '0', stored[3] or '{}'} end
store(after, document, digest, epoch, 'patch', patch, token, most)
redis.call('HDEL', KEYS[1], 'removed')
redis.call('PERSIST', KEYS[1])
redis.call('PERSIST', KEYS[2])
redis.call('SADD', KEYS[4], campaign)
redis.call('PUBLISH', channel, after)
return {'stored', after, document}
)lua";

// ARGV: campaign, channel, how, epoch, revision, document, digest, most changes, linger.
constexpr std::string_view kReplace = R"lua(
local campaign, channel, how, epoch, after, document, digest, most, linger = unpack(ARGV)
local refusal = fenced(epoch)
if refusal then return refusal end
if how == 'remove' then
  if revision == 0 or stored[4] then return {'stored', stored[1] or '0', stored[3] or '{}'} end
  after = string.format('%.0f', revision + 1)
elseif revision >= tonumber(after) then
  return {'stored', stored[1], stored[3]}
end
redis.call('DEL', KEYS[2])
store(after, document, digest, epoch, 'document', document, '', most)
if how == 'remove' then
  redis.call('HSET', KEYS[1], 'removed', '1')
  redis.call('PEXPIRE', KEYS[1], linger)
  redis.call('PEXPIRE', KEYS[2], linger)
  redis.call('SREM', KEYS[4], campaign)
else
  redis.call('HDEL', KEYS[1], 'removed')
  redis.call('PERSIST', KEYS[1])
  redis.call('SADD', KEYS[4], campaign)
end
redis.call('PUBLISH', channel, after)
return {'stored', after, document}
)lua";

const std::string& commit_script() {
  static const std::string script = std::string(kFence).append(kCommit);
  return script;
}
const std::string& replace_script() {
  static const std::string script = std::string(kFence).append(kReplace);
  return script;
}

std::vector<std::string> keys(std::string_view campaign) {
  return {state_key(campaign), changes_key(campaign), lease_key(campaign), std::string(kCampaignsKey)};
}

StoreFailure damaged(std::string_view campaign, const Error& error) {
  return {StoreFailure::Code::damaged,
          "what Redis has in " + state_key(campaign) + " cannot be read: " + error.for_user(), std::nullopt};
}

// What both scripts return.
Result<Document, StoreFailure> outcome(std::string_view campaign, Revision expected, const Reply& reply) {
  const auto what = reply[0].text();
  if (what == "fenced") {
    return StoreFailure{
        StoreFailure::Code::fenced,
        "another node owns the campaign since epoch " + std::string(reply[1].text().value_or("?")),
        std::nullopt};
  }
  auto document = document_in(reply[1], reply[2]);
  if (!document) return damaged(campaign, document.error());
  if (what == "stored") return *std::move(document);
  return StoreFailure{StoreFailure::Code::conflict,
                      "the state is at revision " + std::to_string(document->revision()) + ", not " +
                          std::to_string(expected),
                      *document};
}

}  // namespace

struct RedisStateStore::Request {
  std::function<void(ReplyCallback)> send;
  std::function<void(const Reply&)> answer;  // with one that is no error
  std::function<void(StoreFailure)> fail;
  gint64 deadline = 0;  // of the monotonic clock, µs
  bool was_sent = false, in_flight = false;
  Requests::iterator place{};
};

RedisStateStore::RedisStateStore(Connection& connection, std::uint64_t seed, Options options)
    : connection_(connection),
      options_(options),
      token_(hex(seed)),
      later_(connection.context()),
      deadline_(connection.context()),
      self_(std::make_shared<RedisStateStore*>(this)),
      ready_(connection.on_ready([this](bool ready) {
        if (!ready) return;
        for (const auto& request : requests_)
          if (!request->in_flight) send(request);
      })) {}

RedisStateStore::~RedisStateStore() {
  for (const auto& follower : followers_)
    if (const auto alive = follower.lock()) alive->end();
}

void RedisStateStore::ask(std::shared_ptr<Request> request) {
  if (requests_.size() >= kMostRequests) {
    later_.post([request] {
      request->fail({StoreFailure::Code::unavailable, "too many requests wait for Redis", std::nullopt});
    });
    return;
  }
  request->deadline = g_get_monotonic_time() + gint64(options_.patience) * 1000;
  request->place = requests_.insert(requests_.end(), request);
  if (!deadline_.running()) deadline_.start(options_.patience, [this] { expire(); });
  if (connection_.ready()) send(request);
}

void RedisStateStore::send(const std::shared_ptr<Request>& request) {
  request->in_flight = true;
  request->send([self = std::weak_ptr(self_), request](const Reply& reply) {
    if (const auto alive = self.lock()) (*alive)->answered(request, reply);
  });
}

void RedisStateStore::answered(const std::shared_ptr<Request>& request, const Reply& reply) {
  request->in_flight = false;
  request->was_sent |= reply.was_sent();
  if (!request->fail) return;     // it has failed by its deadline
  if (!reply.answered()) return;  // and is sent again
  requests_.erase(request->place);
  const auto fail = std::exchange(request->fail, nullptr);
  if (reply.is_error())
    fail({StoreFailure::Code::unavailable, "Redis refused: " + reply.trouble(), std::nullopt});
  else
    request->answer(reply);
}

// All requests have the same patience, so that the first in the list is the first to lose it.
void RedisStateStore::expire() {
  const std::weak_ptr<RedisStateStore*> self = self_;
  const gint64 now = g_get_monotonic_time();
  while (!requests_.empty() && requests_.front()->deadline <= now) {
    const auto request = requests_.front();
    requests_.pop_front();
    const auto fail = std::exchange(request->fail, nullptr);
    const bool perhaps = request->was_sent || request->in_flight;
    const std::string trouble = connection_.ready() ? "Redis does not answer" : connection_.trouble();
    fail({perhaps ? StoreFailure::Code::unknown : StoreFailure::Code::unavailable, trouble, std::nullopt});
    if (self.expired()) return;
  }
  if (!requests_.empty())
    deadline_.start(unsigned((requests_.front()->deadline - now) / 1000 + 1), [this] { expire(); });
}

void RedisStateStore::list(StoreReply<std::vector<std::string>> reply) {
  auto request = std::make_shared<Request>();
  request->send = [this](ReplyCallback callback) {
    connection_.command({"SMEMBERS", std::string(kCampaignsKey)}, std::move(callback));
  };
  request->answer = [reply](const Reply& members) {
    std::vector<std::string> campaigns;
    for (std::size_t i = 0; i < members.size(); ++i)
      if (const auto campaign = members[i].text()) campaigns.emplace_back(*campaign);
    std::ranges::sort(campaigns);
    reply(campaigns);
  };
  request->fail = reply;
  ask(std::move(request));
}

void RedisStateStore::load(std::string_view campaign, StoreReply<Document> reply) {
  auto request = std::make_shared<Request>();
  request->send = [this, key = state_key(campaign)](ReplyCallback callback) {
    connection_.command({"HMGET", key, "revision", "document"}, std::move(callback));
  };
  request->answer = [reply, id = std::string(campaign)](const Reply& fields) {
    auto document = document_in(fields[0], fields[1]);
    if (document)
      reply(*std::move(document));
    else
      reply(damaged(id, document.error()));
  };
  request->fail = reply;
  ask(std::move(request));
}

void RedisStateStore::commit(std::string_view campaign, Epoch epoch, Change change,
                             StoreReply<Document> reply) {
  auto request = std::make_shared<Request>();
  const std::string token = token_ + "-" + std::to_string(++commits_);
  request->send = [this, id = std::string(campaign), epoch, change, token](ReplyCallback callback) {
    connection_.eval(
        commit_script(), keys(id),
        {id, changed_channel(id), std::to_string(epoch), std::to_string(change.before), change.after.text(),
         hex(change.after.digest()), change.patch.text(), token, std::to_string(options_.most_changes)},
        std::move(callback));
  };
  request->answer = [reply, id = std::string(campaign), before = change.before](const Reply& fields) {
    reply(outcome(id, before, fields));
  };
  request->fail = reply;
  ask(std::move(request));
}

void RedisStateStore::restore(std::string_view campaign, Epoch epoch, Document document,
                              StoreReply<Document> reply) {
  replace(campaign, "restore", epoch, document, std::move(reply));
}

void RedisStateStore::remove(std::string_view campaign, Epoch epoch, StoreReply<Document> reply) {
  replace(campaign, "remove", epoch, Document(), std::move(reply));
}

void RedisStateStore::replace(std::string_view campaign, std::string_view how, Epoch epoch,
                              const Document& document, StoreReply<Document> reply) {
  auto request = std::make_shared<Request>();
  request->send = [this, id = std::string(campaign), how = std::string(how), epoch,
                   document](ReplyCallback callback) {
    connection_.eval(replace_script(), keys(id),
                     {id, changed_channel(id), how, std::to_string(epoch),
                      std::to_string(document.revision()), document.text(), hex(document.digest()),
                      std::to_string(options_.most_changes), std::to_string(options_.linger)},
                     std::move(callback));
  };
  request->answer = [reply, id = std::string(campaign)](const Reply& fields) {
    reply(outcome(id, 0, fields));
  };
  request->fail = reply;
  ask(std::move(request));
}

Subscription RedisStateStore::follow(std::string_view campaign, Document known,
                                     std::function<void(const Update&)> told) {
  std::erase_if(followers_, [](const auto& follower) { return follower.expired(); });
  auto follower = std::make_shared<Follower>(connection_, std::string(campaign), std::move(known),
                                             options_.look, std::move(told));
  followers_.push_back(follower);
  follower->begin();
  return Subscription([follower]() mutable {
    follower->end();
    follower.reset();
  });
}

}  // namespace campaign::events::redis
