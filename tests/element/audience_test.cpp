// The renditions that an audience has, while several streaming threads bring theirs.
#include "viewer/audience.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace campaign::viewer {
namespace {

std::shared_ptr<Rendition> rendition_of(const char* campaign, const char* quality) {
  return std::make_shared<Rendition>(RenditionName{campaign, quality, 500'000}, Rendition::Upstream());
}

TEST(Audience, TakesOneOfThoseThatComeUnderOneNameAtOnce) {
  constexpr int kRounds = 300, kAdding = 4;
  Audience audience({}, {});
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> ready = 0, added = 0;
    std::vector<std::shared_ptr<Rendition>> renditions;
    std::vector<std::thread> threads;
    for (int i = 0; i < kAdding; ++i) renditions.push_back(rendition_of("c", "q"));
    for (int i = 0; i < kAdding; ++i)
      threads.emplace_back([&, i] {
        for (++ready; ready < kAdding;) std::this_thread::yield();
        added += !audience.add({renditions[i]});
      });
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(added, 1);
    for (const auto& rendition : renditions) audience.remove(rendition);
  }
}

TEST(Audience, TakesAllOfACampaignsRenditionsOrNone) {
  Audience audience({}, {});
  ASSERT_FALSE(audience.add({rendition_of("c", "low"), rendition_of("c", "high")}));
  EXPECT_EQ(audience.add({rendition_of("c", "medium"), rendition_of("c", "high")}), "high");
  EXPECT_FALSE(audience.add({rendition_of("c", "medium")}));
  EXPECT_FALSE(audience.add({rendition_of("d", "high")}));
}

}  // namespace
}  // namespace campaign::viewer
