// The threads of viewers' tasks: which of them are there, and when none is.
#include "viewer/joined_threads.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "wait.hpp"

namespace campaign::viewer {
namespace {

long threads_there() {
  long count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

class JoinedThreads : public ::testing::Test {
 protected:
  // ThreadSanitizer begins a thread of its own beside the first of the process, and keeps it.
  static void SetUpTestSuite() {
    std::filesystem::path entry;
    std::thread([&] { entry = "/proc/self/task/" + std::to_string(gettid()); }).join();
    ASSERT_TRUE(test::wait_until([&] { return !std::filesystem::exists(entry); }));
  }

  void TearDown() override {
    threads_ = {};
    EXPECT_TRUE(become(0));
  }

  // Whether so many more threads are there than before. The system counts one for a moment after it is
  // joined.
  bool become(long more) {
    return test::wait_until([&] { return threads_there() == before_ + more; });
  }

  gpointer push(std::function<void()> task) {
    const auto run = [](gpointer data) { (*std::unique_ptr<Task>(static_cast<Task*>(data)))(); };
    return gst_task_pool_push(threads_.get(), run, new Task(std::move(task)), nullptr);
  }
  void join(gpointer task) { gst_task_pool_join(threads_.get(), task); }

  // So many tasks at once, each on a thread of its own.
  void run_together(int count) {
    std::barrier all(count);
    std::vector<gpointer> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(push([&] { all.arrive_and_wait(); }));
    for (gpointer task : tasks) join(task);
  }

  using Task = std::function<void()>;
  const long before_ = threads_there();
  Ref<GstTaskPool> threads_ = make_joined_threads();
};

TEST_F(JoinedThreads, TheNextTaskGetsTheThreadOfOneThatIsOver) {
  GThread *first = nullptr, *second = nullptr;
  join(push([&] { first = g_thread_self(); }));
  join(push([&] { second = g_thread_self(); }));
  EXPECT_TRUE(first);
  EXPECT_EQ(first, second);
}

TEST_F(JoinedThreads, TasksThatRunAtOnceHaveAThreadEach) {
  for (int i = 0; i < 3; ++i) run_together(20);
  EXPECT_TRUE(become(20)) << threads_there() - before_;
}

TEST_F(JoinedThreads, OnlySoManyWaitForTheNextTask) {
  run_together(100);
  EXPECT_TRUE(become(64)) << threads_there() - before_;
}

TEST_F(JoinedThreads, NoneRunsOnAfterTheEnd) {
  run_together(20);
  end_threads(threads_.get());
  EXPECT_TRUE(become(0)) << threads_there() - before_;
}

TEST_F(JoinedThreads, WhatRunsAtTheEndIsJoinedWhereItsTaskIs) {
  std::atomic<bool> over = false;
  const gpointer task = push([&] { over.wait(false); });
  end_threads(threads_.get());
  const gpointer later = push([] {});
  join(later);
  EXPECT_TRUE(become(1)) << threads_there() - before_;
  over = true;
  over.notify_one();
  join(task);
  EXPECT_TRUE(become(0)) << threads_there() - before_;
}

TEST_F(JoinedThreads, ATaskThatNobodyJoinsLeavesItsThreadToTheNext) {
  gst_task_pool_dispose_handle(threads_.get(), push([] {}));
  end_threads(threads_.get());
  run_together(3);  // and is not waited for
}

TEST_F(JoinedThreads, ManyMayBeginAndJoinTasksAtOnce) {
  std::atomic<int> done = 0;
  std::vector<std::thread> users;
  for (int i = 0; i < 4; ++i)
    users.emplace_back([&] {
      for (int j = 0; j < 200; ++j) join(push([&] { ++done; }));
    });
  for (auto& user : users) user.join();
  EXPECT_EQ(done, 800);
  EXPECT_LE(threads_there(), before_ + 8);
}

TEST_F(JoinedThreads, TheyEndWithTheirPool) {
  run_together(5);
  threads_ = {};
  EXPECT_TRUE(become(0)) << threads_there() - before_;
}

}  // namespace
}  // namespace campaign::viewer
