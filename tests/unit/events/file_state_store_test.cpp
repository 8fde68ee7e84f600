// The store of a single node: every StateStore's promises, and that what it answered for is on the disk.
#include "events/file_state_store.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "state_store_contract.hpp"

namespace {

using namespace campaign::test;
using campaign::events::FileStateStore;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/campaign-state-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<FileStateStore> opened(const std::filesystem::path& folder) {
  auto store = FileStateStore::open(folder);
  EXPECT_TRUE(store) << store.error().for_user();
  return *std::move(store);
}

struct OpenFileStore : OpenStore {
  StateStore& store() override { return *files; }
  TemporaryFolder folder;
  std::unique_ptr<FileStateStore> files = opened(folder.path());
};

INSTANTIATE_TEST_SUITE_P(File, StateStoreContract,
                         testing::Values([] { return std::make_unique<OpenFileStore>(); }));

Document stored_in(FileStateStore& store, const std::string& campaign) {
  Answer answer;
  store.load(campaign, into(answer));
  EXPECT_TRUE(wait_until([&] { return answer.has_value(); }));
  EXPECT_TRUE(*answer) << answer->error().message;
  return **answer;
}

TEST(FileStateStore, HasEverythingAgainWhenItIsOpenedAnew) {
  TemporaryFolder folder;
  for (Revision revision = 0; revision < 3; ++revision) {
    auto store = opened(folder.path() / "made" / "here");
    const Document before = stored_in(*store, ".");
    EXPECT_EQ(before.revision(), revision);
    Answer answer;
    store->commit(".", 0, change(before, "{\"n\":" + std::to_string(revision) + "}"), into(answer));
    ASSERT_TRUE(wait_until([&] { return answer.has_value(); }));
    ASSERT_TRUE(*answer) << answer->error().message;
  }
}

// A child commits as fast as it can and says which revision was answered for; it is killed in the midst of
// it.
TEST(FileStateStore, LosesNothingItAnsweredForToAKill) {
  for (int round = 0; round < 5; ++round) {
    TemporaryFolder folder;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = opened(folder.path());
      std::function<void(Document)> next = [&](Document document) {
        const Revision revision = document.revision();
        if (revision && write(ends[1], &revision, sizeof revision) != ssize_t(sizeof revision)) _exit(1);
        store->commit("0", 0, change(document, "{\"n\":" + std::to_string(revision + 1) + "}"),
                      [&](auto answer) { next(*answer); });
      };
      next(Document());
      for (;;) g_main_context_iteration(nullptr, TRUE);
    }
    close(ends[1]);
    Revision answered = 0, revision = 0;
    while (answered < Revision(50 + 37 * round) &&
           read(ends[0], &revision, sizeof revision) == sizeof revision)
      answered = revision;
    ASSERT_EQ(kill(child, SIGKILL), 0);
    while (read(ends[0], &revision, sizeof revision) == sizeof revision) answered = revision;
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    auto store = opened(folder.path());
    const Document found = stored_in(*store, "0");
    EXPECT_GE(found.revision(), answered);
    EXPECT_LE(found.revision(), answered + 1);
    EXPECT_EQ(found.text(), "{\"n\":" + std::to_string(found.revision()) + "}");
  }
}

TEST(FileStateStore, WritesManyWaitingChangesAtOnce) {
  TemporaryFolder folder;
  auto store = opened(folder.path());
  Follower follower(*store, "0");
  Document last;
  std::size_t answered = 0;
  const std::size_t many = 2000;
  for (std::size_t i = 1; i <= many; ++i) {
    const Change next = change(last, "{\"n\":" + std::to_string(i) + "}");
    last = next.after;
    store->commit("0", 0, next, [&](auto answer) { answered += answer ? 1 : 0; });
  }
  ASSERT_TRUE(wait_until([&] { return answered == many && follower.document() == last; }));
  EXPECT_EQ(follower.patches(), int(many));
  EXPECT_EQ(follower.snapshots(), 0);
  EXPECT_EQ(follower.broken(), 0);
}

TEST(FileStateStore, RefusesAFolderThatIsInUseOrNone) {
  TemporaryFolder folder;
  auto store = opened(folder.path());
  auto second = FileStateStore::open(folder.path());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().for_user().find("in use by another server"), std::string::npos);
  store.reset();
  EXPECT_TRUE(FileStateStore::open(folder.path()));

  folder.write("file", "");
  EXPECT_FALSE(FileStateStore::open(folder.path() / "file"));
  EXPECT_FALSE(FileStateStore::open("/proc/campaign-state"));
}

TEST(FileStateStore, LeavesADamagedFileAloneAndSaysWhichItIs) {
  TemporaryFolder folder;
  for (const std::string& text :
       {std::string(""), std::string("[]"), std::string("{\"revision\":-1,\"state\":{}}"),
        std::string("{\"revision\":1,\"state\":[]}"), std::string("{\"revision\":1}"),
        std::string(200'000, '{')}) {
    folder.write("0.json", text);
    auto store = opened(folder.path());
    Answer load, commit;
    store->load("0", into(load));
    store->commit("0", 0, change(Document(), "{}"), into(commit));
    ASSERT_TRUE(wait_until([&] { return load && commit; }));
    ASSERT_FALSE(*load) << text.substr(0, 40);
    ASSERT_FALSE(*commit) << text.substr(0, 40);
    EXPECT_EQ(load->error().code, StoreFailure::Code::damaged);
    EXPECT_EQ(commit->error().code, StoreFailure::Code::damaged);
    EXPECT_NE(load->error().message.find("0.json"), std::string::npos) << load->error().message;
    EXPECT_EQ(std::filesystem::file_size(folder.path() / "0.json"), text.size());
  }
}

TEST(FileStateStore, SaysWhenTheDiskTakesNothingAndGoesOnWhenItDoes) {
  TemporaryFolder folder;
  auto store = opened(folder.path());
  Follower follower(*store, "0");
  std::filesystem::create_directory(folder.path() / "0.new");  // where the file is written first
  Answer refused, accepted;
  store->commit("0", 0, change(Document(), R"({"n":1})"), into(refused));
  ASSERT_TRUE(wait_until([&] { return refused.has_value(); }));
  ASSERT_FALSE(*refused);
  EXPECT_EQ(refused->error().code, StoreFailure::Code::unavailable);
  EXPECT_EQ(follower.document(), Document());
  std::filesystem::remove(folder.path() / "0.new");
  store->commit("0", 0, change(Document(), R"({"n":1})"), into(accepted));
  ASSERT_TRUE(wait_until([&] { return accepted.has_value(); }));
  ASSERT_TRUE(*accepted) << accepted->error().message;
  ASSERT_TRUE(wait_until([&] { return follower.document().revision() == 1; }));
}

TEST(FileStateStore, LeavesNothingOfARemovedCampaign) {
  TemporaryFolder folder;
  auto store = opened(folder.path());
  Answer committed, removed;
  store->commit("0", 0, change(Document(), R"({"n":1})"), into(committed));
  store->remove("0", 0, into(removed));
  ASSERT_TRUE(wait_until([&] { return committed && removed; }));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
