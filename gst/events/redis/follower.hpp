// One follower of a campaign's document in Redis: hears that there is a new revision, reads the changes after
// the one it knows, and checks each against its digest. Where the stream does not lead on from what it knows,
// it takes the document as it is. Loop's thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "campaign/state/store.hpp"
#include "events/redis/connection.hpp"

namespace campaign::events::redis {

// As stored: the fields of the hash in the order in which documents are asked for.
Result<state::Document> document_in(const Reply& revision, const Reply& text);

class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(Connection& connection, std::string campaign, state::Document known, unsigned look_interval,
           std::function<void(const state::Update&)> told);

  void begin();  // once it is shared
  void end();    // nothing is told from here on, and the connection is not touched any more

 private:
  void heard(std::string_view revision);
  void look();
  void read(state::Revision expected);
  void take(const Reply& entries, state::Revision expected);
  void load();
  void finish();
  bool tell(state::Update update);
  template <class F>
  void ask(const std::vector<std::string>& words, F&& answer);

  Connection& connection_;
  const std::string campaign_;
  state::Document known_;
  const unsigned look_interval_;
  std::function<void(const state::Update&)> told_;  // none once it has ended
  bool busy_ = false;                               // an answer is awaited
  bool again_ = false;                              // and something was heard meanwhile
  Timer look_;
  Subscription channel_, ready_;
};

}  // namespace campaign::events::redis
