// The thread of all viewers' ICE, and the gate through which it tells them something.
#include "viewer/ice/ice_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "local_names.hpp"
#include "viewer/ice/callback_gate.hpp"

namespace campaign::viewer {
namespace {

using test::LocalNames;

TEST(IceThread, DoesOneJobAfterTheOther) {
  IceThread thread;
  std::vector<int> done, in_order;
  for (int i = 0; i < 100; ++i) {
    thread.post([&, i] { done.push_back(i); });
    in_order.push_back(i);
  }
  thread.call([] {});
  EXPECT_EQ(done, in_order);
}

TEST(IceThread, AJobThatAJobPostsComesAfterIt) {
  IceThread thread;
  bool first_done = false, second_done = false;
  thread.call([&] {
    thread.post([&] { second_done = first_done; });
    first_done = true;
  });
  thread.call([] {});
  EXPECT_TRUE(second_done);
}

TEST(IceThread, ACallOnTheThreadItselfIsDoneAtOnce) {
  IceThread thread;
  bool done = false;
  thread.call([&] { thread.call([&] { done = true; }); });
  EXPECT_TRUE(done);
}

TEST(IceThread, WhatWasPostedIsDoneBeforeItEnds) {
  IceThread thread;
  int done = 0;
  for (int i = 0; i < 100; ++i)
    thread.post([&] {
      if (++done == 50) thread.post([&] { ++done; });
    });
  thread.stop();
  EXPECT_EQ(done, 101);
}

TEST(IceThread, WhatComesLaterIsDoneByWhoeverAsks) {
  IceThread thread;
  thread.stop();
  std::thread::id done_by;
  thread.post([&] { done_by = std::this_thread::get_id(); });
  EXPECT_EQ(done_by, std::this_thread::get_id());
  bool called = false;
  thread.call([&] { called = true; });
  EXPECT_TRUE(called);
}

void do_in(GMainContext* context, guint milliseconds, std::function<void()> job) {
  GSource* timer = g_timeout_source_new(milliseconds);
  g_source_set_callback(
      timer,
      [](gpointer data) -> gboolean {
        (*static_cast<std::function<void()>*>(data))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(job)),
      [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
  g_source_attach(timer, context);
  g_source_unref(timer);
}

TEST(IceThread, EndsWhenNobodyKeepsItAnyMore) {
  IceThread thread;
  bool let_go = false;
  thread.call([&] {
    do_in(thread.context(), 50, [&, kept = thread.keep()]() mutable {
      let_go = true;
      kept.reset();
    });
  });
  thread.stop();
  EXPECT_TRUE(let_go);
}

TEST(IceThread, EndsThoughItIsKeptForLong) {
  std::shared_ptr<void> kept;
  IceThread thread;
  thread.call([&] { kept = thread.keep(); });
  const auto stopped_at = g_get_monotonic_time();
  thread.stop();
  EXPECT_LT(g_get_monotonic_time() - stopped_at, 20 * G_USEC_PER_SEC);
}

TEST(IceThread, MayEndOnItself) {
  auto thread = std::make_shared<IceThread>();
  std::atomic<bool> ended = false;
  IceThread& there = *thread;
  there.post([kept = std::move(thread), &ended]() mutable {
    kept.reset();
    ended = true;
  });
  while (!ended) std::this_thread::yield();
}

TEST(IceThread, TellsTheAddressOfAName) {
  const LocalNames names;
  IceThread thread;
  std::atomic<bool> told = false;
  thread.call([&] {
    EXPECT_TRUE(thread.resolve("found.local", [&](const std::string& address) {
      EXPECT_EQ(address, "127.0.0.1");
      told = true;
    }));
  });
  while (!told) std::this_thread::yield();
}

TEST(IceThread, LooksOnlySoManyNamesUpAtOnceAndEndsWhileItDoes) {
  const LocalNames names;
  IceThread thread;
  int taken = 0;
  thread.call([&] {
    for (int i = 0; i < 200; ++i)
      taken += thread.resolve("silent.local", [](const std::string&) { ADD_FAILURE(); });
  });
  EXPECT_EQ(taken, 32);
  EXPECT_EQ(LocalNames::asked(), 32);
  thread.stop();
  EXPECT_FALSE(thread.resolve("found.local", [](const std::string&) {}));
}

TEST(CallbackGate, NobodyIsInsideOnceItIsClosed) {
  CallbackGate gate;
  std::atomic<bool> inside = false, leave = false, closed = false;
  std::thread caller([&] {
    gate.through([&] {
      inside = true;
      while (!leave) std::this_thread::yield();
      EXPECT_FALSE(closed);
    });
  });
  while (!inside) std::this_thread::yield();
  std::thread closer([&] {
    gate.close();
    closed = true;
  });
  bool refused = false;  // from here on, though the first one is inside still
  while (!refused) {
    refused = true;
    gate.through([&] { refused = false; });
  }
  EXPECT_FALSE(closed);
  leave = true;
  caller.join();
  closer.join();
}

TEST(CallbackGate, ACallMayCloseItFromInside) {
  CallbackGate gate;
  int calls = 0;
  gate.through([&] {
    gate.through([&] { ++calls; });
    gate.close();
    gate.through([&] { ++calls; });
  });
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace campaign::viewer
