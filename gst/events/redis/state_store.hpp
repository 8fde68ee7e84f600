// Campaigns' documents in Redis, for many nodes: a hash has the newest document, a stream the last changes,
// and scripts write both at once where lease and revision allow it. Followers are woken by pub/sub and read
// the stream; after an outage they go on from the last change they know, or from the document where the
// stream has been trimmed or lost. What nobody answered is asked again when Redis is back, and done once. One
// Redis server, no cluster. Loop's thread only; the connection outlives the store.
#pragma once

#include <list>
#include <memory>

#include "campaign/state/store.hpp"
#include "events/redis/connection.hpp"

namespace campaign::events::redis {

class Follower;

class RedisStateStore : public state::StateStore {
 public:
  struct Options {
    unsigned patience = 5000;     // ms until a request that Redis does not answer fails
    unsigned most_changes = 256;  // kept in a campaign's stream; who missed more gets the document
    unsigned look = 5000;  // ms between two looks at a followed campaign's revision, whatever hints come
    unsigned linger = 3'600'000;  // ms for which a removed campaign's revision is known
  };

  // `seed` marks this process' commits: different in every process.
  RedisStateStore(Connection& connection, std::uint64_t seed)
      : RedisStateStore(connection, seed, Options()) {}
  RedisStateStore(Connection& connection, std::uint64_t seed, Options options);
  ~RedisStateStore() override;

  void list(state::StoreReply<std::vector<std::string>> reply) override;
  void load(std::string_view campaign, state::StoreReply<state::Document> reply) override;
  void commit(std::string_view campaign, state::Epoch epoch, state::Change change,
              state::StoreReply<state::Document> reply) override;
  void restore(std::string_view campaign, state::Epoch epoch, state::Document document,
               state::StoreReply<state::Document> reply) override;
  void remove(std::string_view campaign, state::Epoch epoch,
              state::StoreReply<state::Document> reply) override;
  Subscription follow(std::string_view campaign, state::Document known,
                      std::function<void(const state::Update&)> told) override;

 private:
  struct Request;
  using Requests = std::list<std::shared_ptr<Request>>;
  void ask(std::shared_ptr<Request> request);
  void send(const std::shared_ptr<Request>& request);
  void answered(const std::shared_ptr<Request>& request, const Reply& reply);
  void expire();
  void replace(std::string_view campaign, std::string_view how, state::Epoch epoch,
               const state::Document& document, state::StoreReply<state::Document> reply);

  Connection& connection_;
  const Options options_;
  const std::string token_;
  std::uint64_t commits_ = 0;
  Requests requests_;  // in the order of the calls, until they are answered
  std::list<std::weak_ptr<Follower>> followers_;
  LoopQueue later_;
  Timer deadline_;
  std::shared_ptr<RedisStateStore*> self_;  // gone with this: what answers that come later find out by
  Subscription ready_;
};

}  // namespace campaign::events::redis
