// What every StateStore promises (campaign/state/store.hpp), as tests: whoever includes this instantiates
// them with a way to open a store.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "campaign/state/store.hpp"
#include "state_follower.hpp"
#include "wait.hpp"

namespace campaign::test {

using namespace campaign::state;

// A store opened for one test, and all that goes with it.
struct OpenStore {
  virtual ~OpenStore() = default;
  virtual StateStore& store() = 0;
};

class StateStoreContract : public testing::TestWithParam<std::function<std::unique_ptr<OpenStore>()>> {
 protected:
  void SetUp() override { open_ = GetParam()(); }
  StateStore& store() { return open_->store(); }

  Document committed(const Document& before, const std::string& patch, Epoch epoch = 0) {
    Answer answer;
    store().commit("0", epoch, change(before, patch), into(answer));
    EXPECT_TRUE(wait_until([&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer) << answer->error().message;
    return **answer;
  }
  Document loaded(const std::string& campaign = "0") {
    Answer answer;
    store().load(campaign, into(answer));
    EXPECT_TRUE(wait_until([&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer) << answer->error().message;
    return **answer;
  }
  StoreFailure::Code failure(const Answer& answer) {
    EXPECT_TRUE(wait_until([&] { return answer.has_value(); }));
    EXPECT_FALSE(*answer);
    return answer->error().code;
  }

  std::unique_ptr<OpenStore> open_;
};

TEST_P(StateStoreContract, HasAnEmptyDocumentForACampaignNobodyWroteAbout) {
  EXPECT_EQ(loaded(), Document());
}

TEST_P(StateStoreContract, KeepsWhatIsCommitted) {
  const Document first = committed(Document(), R"({"mood":"calm"})");
  const Document second =
      committed(first, R"({"mood":null,"list":[],"map":{},"text":"ü\n\u0000","half":0.5})");
  EXPECT_EQ(second.revision(), 2u);
  EXPECT_EQ(loaded(), second);
  EXPECT_EQ(loaded("1"), Document());
}

TEST_P(StateStoreContract, ListsTheCampaignsThatHaveADocument) {
  const auto listed = [&] {
    std::optional<Result<std::vector<std::string>, StoreFailure>> answer;
    store().list([&](auto result) { answer = std::move(result); });
    EXPECT_TRUE(wait_until([&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer) << answer->error().message;
    return **answer;
  };
  EXPECT_EQ(listed(), std::vector<std::string>{});
  for (const char* campaign : {"b", "a.json", "a"}) {
    Answer answer;
    store().commit(campaign, 1, change(Document(), R"({"x":1})"), into(answer));
    ASSERT_TRUE(wait_until([&] { return answer.has_value(); }));
  }
  EXPECT_EQ(listed(), (std::vector<std::string>{"a", "a.json", "b"}));
  Answer removed;
  store().remove("a", 1, into(removed));
  ASSERT_TRUE(wait_until([&] { return removed.has_value(); }));
  EXPECT_EQ(listed(), (std::vector<std::string>{"a.json", "b"}));
}

TEST_P(StateStoreContract, AnswersLaterAndInOrder) {
  const Document first = *Document().patched(*Patch::parse(R"({"a":1})"));
  std::vector<Revision> answers;
  const auto note = [&](Result<Document, StoreFailure> answer) {
    answers.push_back(answer ? answer->revision() : 99);
  };
  store().load("0", note);
  store().commit("0", 0, change(Document(), R"({"a":1})"), note);
  store().commit("0", 0, change(first, R"({"a":2})"), note);
  store().load("0", note);
  EXPECT_TRUE(answers.empty());
  ASSERT_TRUE(wait_until([&] { return answers.size() == 4; }));
  EXPECT_EQ(answers, (std::vector<Revision>{0, 1, 2, 2}));
}

TEST_P(StateStoreContract, TellsAConflictFromTheCurrentDocument) {
  const Document first = committed(Document(), R"({"a":1})");
  Answer answer;
  store().commit("0", 0, change(Document(), R"({"a":2})"), into(answer));
  ASSERT_EQ(failure(answer), StoreFailure::Code::conflict);
  ASSERT_TRUE(answer->error().current);
  EXPECT_EQ(*answer->error().current, first);
  EXPECT_EQ(loaded(), first);
}

TEST_P(StateStoreContract, FencesOffAnEarlierOwner) {
  const Document first = committed(Document(), R"({"a":1})", 4);
  const Document second = committed(first, R"({"a":2})", 5);
  Answer commit, restore, remove;
  store().commit("0", 4, change(second, R"({"a":3})"), into(commit));
  store().restore("0", 4, document(R"({"a":9})", 9), into(restore));
  store().remove("0", 4, into(remove));
  EXPECT_EQ(failure(commit), StoreFailure::Code::fenced);
  EXPECT_EQ(failure(restore), StoreFailure::Code::fenced);
  EXPECT_EQ(failure(remove), StoreFailure::Code::fenced);
  EXPECT_EQ(loaded(), second);
}

TEST_P(StateStoreContract, TellsFollowersEveryChangeOnceAndInOrder) {
  const Document first = committed(Document(), R"({"n":1})");
  Follower from_nothing(store(), "0"), from_first(store(), "0", first), elsewhere(store(), "1");
  ASSERT_TRUE(wait_until([&] { return from_nothing.document() == first; }));
  Document last = first;
  for (int i = 2; i <= 20; ++i) last = committed(last, "{\"n\":" + std::to_string(i) + "}");
  ASSERT_TRUE(wait_until([&] { return from_nothing.document() == last && from_first.document() == last; }));
  EXPECT_EQ(from_nothing.snapshots(), 1);
  EXPECT_EQ(from_nothing.patches(), 19);
  EXPECT_EQ(from_first.snapshots(), 0);
  EXPECT_EQ(from_first.patches(), 19);
  EXPECT_EQ(from_nothing.broken() + from_first.broken(), 0);
  EXPECT_EQ(elsewhere.document(), Document());
}

TEST_P(StateStoreContract, IsSilentOnceAFollowerHasEnded) {
  Follower ended(store(), "0"), follower(store(), "0");
  ended.end();
  const Document first = committed(Document(), R"({"n":1})");
  ASSERT_TRUE(wait_until([&] { return follower.document() == first; }));
  EXPECT_EQ(ended.document(), Document());
}

TEST_P(StateStoreContract, PutsBackWhatItHasLostAndNothingElse) {
  const Document first = committed(Document(), R"({"n":1})");
  Follower follower(store(), "0", first);
  Answer back, late;
  const Document newest = document(R"({"n":7})", 7);
  store().restore("0", 0, newest, into(back));
  store().restore("0", 0, document(R"({"n":5})", 5), into(late));
  ASSERT_TRUE(wait_until([&] { return back && late; }));
  ASSERT_TRUE(*back) << back->error().message;
  EXPECT_EQ(**back, newest);
  ASSERT_TRUE(*late) << late->error().message;
  EXPECT_EQ(**late, newest);
  ASSERT_TRUE(wait_until([&] { return follower.document() == newest; }));
  const Document next = committed(newest, R"({"n":8})");
  ASSERT_TRUE(wait_until([&] { return follower.document() == next; }));
  EXPECT_EQ(follower.broken(), 0);
}

TEST_P(StateStoreContract, ForgetsARemovedCampaignAndTellsItsFollowers) {
  const Document first = committed(Document(), R"({"n":1})");
  Follower follower(store(), "0", first);
  Answer removed;
  store().remove("0", 0, into(removed));
  ASSERT_TRUE(wait_until([&] { return removed && follower.document().text() == "{}"; }));
  EXPECT_EQ(follower.document().revision(), 2u);
  EXPECT_EQ(loaded().text(), "{}");
  const Document again = committed(follower.document(), R"({"n":2})");
  ASSERT_TRUE(wait_until([&] { return follower.document() == again; }));
  EXPECT_EQ(follower.broken(), 0);
}

TEST_P(StateStoreContract, CallsNobodyOnceItIsGone) {
  int called = 0;
  store().load("0", [&](auto) { ++called; });
  store().commit("0", 0, change(Document(), R"({"n":1})"), [&](auto) { ++called; });
  Follower follower(store(), "0");
  open_.reset();
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  EXPECT_EQ(called, 0);
  EXPECT_EQ(follower.document(), Document());
}

}  // namespace campaign::test
