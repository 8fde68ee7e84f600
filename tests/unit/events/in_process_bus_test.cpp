// The bus of one process: later and in order, to whom it concerns, as long as they want to hear it.
#include "events/in_process_bus.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "wait.hpp"

namespace {

using namespace campaign;
using namespace campaign::events;
using campaign::test::wait_until;

Envelope event(const std::string& campaign, int number, const std::string& context = "",
               const std::string& type = "test:number:v1:hint") {
  return {type, campaign, 0, {{"number", number}}, context};
}

void publish(Bus& bus, const Envelope& envelope) {
  const auto published = bus.publish(envelope);
  ASSERT_TRUE(published) << published.error().for_user();
}

TEST(InProcessBus, DeliversLaterAndInOrder) {
  InProcessBus bus;
  std::vector<int> heard;
  const Subscription subscription =
      bus.subscribe({}, [&](const Envelope& envelope) { heard.push_back(envelope.data["number"]); });
  for (int i = 0; i < 5; ++i) publish(bus, event("0", i));
  EXPECT_TRUE(heard.empty());
  ASSERT_TRUE(wait_until([&] { return heard.size() == 5; }));
  EXPECT_EQ(heard, (std::vector{0, 1, 2, 3, 4}));
}

TEST(InProcessBus, AsksTheFilterFirst) {
  InProcessBus bus;
  std::vector<int> frontend, third, other_type, without;
  const auto into = [](std::vector<int>& heard) {
    return [&heard](const Envelope& envelope) { heard.push_back(envelope.data["number"]); };
  };
  const Subscription a = bus.subscribe({.context = "frontend"}, into(frontend));
  const Subscription b = bus.subscribe({.campaign = "3"}, into(third));
  const Subscription c = bus.subscribe({.campaign = "3", .type = "test:other:v1:hint"}, into(other_type));
  const Subscription d = bus.subscribe({.context = ""}, into(without));
  publish(bus, event("1", 1, "frontend"));
  publish(bus, event("3", 2));
  publish(bus, event("3", 3, "webgpu-particles", "test:other:v1:hint"));
  publish(bus, event("3", 4, "frontend"));
  ASSERT_TRUE(wait_until([&] { return third.size() == 3; }));
  EXPECT_EQ(frontend, (std::vector{1, 4}));
  EXPECT_EQ(third, (std::vector{2, 3, 4}));
  EXPECT_EQ(other_type, (std::vector{3}));
  EXPECT_EQ(without, (std::vector{2}));
}

TEST(InProcessBus, IsSilentOnceASubscriptionHasEnded) {
  InProcessBus bus;
  int first = 0, second = 0;
  Subscription ends;
  const Subscription ender = bus.subscribe({}, [&](const Envelope&) {
    ++first;
    ends.reset();
  });
  ends = bus.subscribe({}, [&](const Envelope&) { ++second; });
  publish(bus, event("0", 1));
  publish(bus, event("0", 2));
  ASSERT_TRUE(wait_until([&] { return first == 2; }));
  EXPECT_EQ(second, 0);
}

TEST(InProcessBus, ReceiverMayEndItselfAndPublish) {
  InProcessBus bus;
  int heard = 0;
  Subscription subscription;
  subscription = bus.subscribe({}, [&](const Envelope&) {
    ++heard;
    publish(bus, event("0", 2));
    subscription.reset();
  });
  int others = 0;
  const Subscription other = bus.subscribe({}, [&](const Envelope&) { ++others; });
  publish(bus, event("0", 1));
  ASSERT_TRUE(wait_until([&] { return others == 2; }));
  EXPECT_EQ(heard, 1);
}

TEST(InProcessBus, ReceiverMayTakeItDown) {
  auto bus = std::make_unique<InProcessBus>();
  int heard = 0, late = 0;
  const Subscription first = bus->subscribe({}, [&](const Envelope&) {
    ++heard;
    bus.reset();
  });
  const Subscription second = bus->subscribe({}, [&](const Envelope&) { ++late; });
  publish(*bus, event("0", 1));
  publish(*bus, event("0", 2));
  ASSERT_TRUE(wait_until([&] { return heard == 1; }));
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(late, 0);
}

TEST(InProcessBus, RefusesWhatBreaksTheRulesAndDropsWhatIsTooMuch) {
  InProcessBus bus;
  EXPECT_FALSE(bus.publish(event("no/id", 1)));
  std::size_t heard = 0;
  const Subscription subscription = bus.subscribe({}, [&](const Envelope&) { ++heard; });
  for (std::size_t i = 0; i < InProcessBus::kMaxWaiting + 10; ++i) publish(bus, event("0", int(i)));
  ASSERT_TRUE(wait_until([&] { return heard == InProcessBus::kMaxWaiting; }));
  EXPECT_EQ(bus.health().dropped, 10u);
  EXPECT_EQ(bus.health().published, InProcessBus::kMaxWaiting);
  EXPECT_TRUE(bus.health().connected);
}

}  // namespace
