#include "campaign/ladder.hpp"

#include <algorithm>

#include "util/id.hpp"
#include "util/json_reader.hpp"

namespace campaign {
namespace {

constexpr int kDeepest = 3;                             // object, array, object
constexpr std::uint64_t kHighestRate = 1'000'000'000;   // bit/s
constexpr std::uint64_t kHighestBitrate = 800'000'000;  // bit/s; room for thresholds
constexpr std::uint32_t kMostParticles = 100'000'000;   // more than any device holds
constexpr int kLargestSide = 8192, kHighestFramerate = 240;
constexpr double kShareOfThreshold = 0.9;  // DESIGN: the encoder's part of the rate that admits its rung

void read_rung(JsonReader& in, Rung& to, Ladder::Use use) {
  in.allow({"name", "threshold", "particles", "width", "height", "max_framerate", "bitrate"});
  const auto require = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys)
      if (!in.find(key)) in.refuse(key, "there", "left out");
  };
  require({"name", "threshold"});
  if (use == Ladder::Use::all) require({"particles", "width", "height"});
  require({"bitrate"});
  in.text("name", to.name);
  if (!is_valid_id(to.name) || to.name == "auto") {
    in.refuse("name", std::string(kIdRule) + ", and not 'auto'", "'" + to.name + "'");
  }
  in.integer<std::uint64_t>("threshold", to.threshold, 0, kHighestRate);
  in.integer<std::uint32_t>("particles", to.particles, 1, kMostParticles);
  in.integer("width", to.width, 16, kLargestSide);
  in.integer("height", to.height, 16, kLargestSide);
  if (to.width % 2 != 0) in.refuse("width", "even", std::to_string(to.width));
  if (to.height % 2 != 0) in.refuse("height", "even", std::to_string(to.height));
  in.integer("max_framerate", to.max_framerate, 0, kHighestFramerate);
  in.integer<std::uint64_t>("bitrate", to.bitrate, kLeastBitrate, kHighestRate);
}

// Each rung must be better than the one before it, and must not cause its own congestion.
void check_order(JsonReader& in, const std::vector<Rung>& rungs) {
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const Rung& rung = rungs[i];
    auto refuse = [&](const char* field, const std::string& expected, std::uint64_t got) {
      in.refuse(("rungs[" + std::to_string(i) + "]." + field).c_str(), expected, std::to_string(got));
    };
    if (i == 0) {
      if (rung.threshold != 0)
        refuse("threshold", "0, as the lowest rung is always admitted", rung.threshold);
      continue;
    }
    const Rung& below = rungs[i - 1];
    const auto most = std::uint64_t(kShareOfThreshold * double(rung.threshold));
    if (rung.threshold <= below.threshold) {
      refuse("threshold", "above that of the rung before, " + std::to_string(below.threshold),
             rung.threshold);
    }
    if (rung.bitrate <= below.bitrate) {
      refuse("bitrate", "above that of the rung before, " + std::to_string(below.bitrate), rung.bitrate);
    }
    if (rung.bitrate > most) {
      refuse("bitrate", "at most 90 % of its threshold, " + std::to_string(most), rung.bitrate);
    }
    if (rung.particles < below.particles) {
      refuse("particles", "at least those of the rung before, " + std::to_string(below.particles),
             rung.particles);
    }
    for (const Rung& other : std::span(rungs).first(i)) {
      if (other.name == rung.name) {
        in.refuse(("rungs[" + std::to_string(i) + "].name").c_str(), "unlike the others",
                  "'" + rung.name + "' again");
      }
    }
  }
}

void read_ladder(JsonReader& in, std::vector<Rung>& to, Ladder::Use use) {
  in.allow({"rungs"});
  in.list("rungs", to, kMostRungs, [use](JsonReader& rung, Rung& into) { read_rung(rung, into, use); });
  if (to.empty()) in.refuse("rungs", "an array of at least 1", "none");
  check_order(in, to);
}

}  // namespace

Ladder::Ladder()
    : rungs_{{.name = "low",
              .threshold = 0,
              .particles = 100'000,
              .width = 640,
              .height = 360,
              .max_framerate = 30,
              .bitrate = 450'000},
             {.name = "medium",
              .threshold = 1'000'000,
              .particles = 250'000,
              .width = 960,
              .height = 540,
              .max_framerate = 30,
              .bitrate = 900'000},
             {.name = "high",
              .threshold = 5'000'000,
              .particles = 500'000,
              .width = 1280,
              .height = 720,
              .bitrate = 4'500'000},
             {.name = "ultra",
              .threshold = 10'000'000,
              .particles = 1'000'000,
              .width = 1920,
              .height = 1080,
              .bitrate = 9'000'000}} {}

Result<Ladder> Ladder::parse(std::string_view json, Use use) {
  auto rungs = read_json<std::vector<Rung>>(
      json, "the ladder", {.bytes = kLargestLadderText, .depth = kDeepest},
      [use](JsonReader& in, std::vector<Rung>& to) { read_ladder(in, to, use); });
  if (!rungs) return rungs.error();
  return Ladder(std::move(*rungs));
}

Ladder Ladder::of(std::vector<Rung> rungs) {
  std::ranges::stable_sort(rungs, {}, &Rung::threshold);
  std::vector<Rung> kept;
  for (Rung& rung : rungs) {
    const bool known = std::ranges::find(kept, rung.name, &Rung::name) != kept.end();
    if (known || kept.size() == kMostRungs) continue;
    rung.bitrate = std::clamp(rung.bitrate, kLeastBitrate, kHighestBitrate);
    if (kept.empty()) {
      rung.threshold = 0;
    } else {
      if (rung.threshold == kept.back().threshold) continue;
      rung.bitrate = std::max(rung.bitrate, kept.back().bitrate + 1);
      const std::uint64_t least = (rung.bitrate * 10 + 8) / 9;  // kShareOfThreshold, rounded up
      rung.threshold = std::max({rung.threshold, least, kept.back().threshold + 1});
      rung.particles = std::max(rung.particles, kept.back().particles);
    }
    kept.push_back(std::move(rung));
  }
  return kept.empty() ? Ladder() : Ladder(std::move(kept));
}

Ladder Ladder::with_more(unsigned percentage) const {
  std::vector<Rung> rungs = rungs_;
  for (Rung& rung : rungs)
    for (std::uint64_t* rate : {&rung.threshold, &rung.bitrate})
      *rate = std::min(*rate * (100 + percentage) / 100, kHighestRate);
  return of(std::move(rungs));
}

std::string Ladder::to_json() const {
  auto rungs = nlohmann::json::array();
  for (const Rung& rung : rungs_) {
    nlohmann::json one{{"name", rung.name}, {"threshold", rung.threshold}, {"bitrate", rung.bitrate}};
    if (rung.particles != 0) one["particles"] = rung.particles;
    if (rung.width != 0) one["width"] = rung.width;
    if (rung.height != 0) one["height"] = rung.height;
    if (rung.max_framerate != 0) one["max_framerate"] = rung.max_framerate;
    rungs.push_back(std::move(one));
  }
  return nlohmann::json{{"rungs", std::move(rungs)}}.dump();
}

std::optional<std::size_t> Ladder::find(std::string_view name) const {
  const auto it = std::ranges::find(rungs_, name, &Rung::name);
  if (it == rungs_.end()) return std::nullopt;
  return std::size_t(it - rungs_.begin());
}

std::size_t Ladder::rung_for(std::uint64_t estimate) const {
  std::size_t index = top();
  while (index > 0 && rungs_[index].threshold > estimate) --index;
  return index;
}

}  // namespace campaign
