#include "rfc8867.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tcp_flow.hpp"

namespace campaign::network {
namespace {

constexpr double kBinSeconds = MediaFlow::kBin.seconds();

Link::Config link_config(const std::vector<CapacityStep>& steps, const Case& of) {
  return {.capacity = DataRate::bps(std::int64_t(steps.front().mbps * 1e6)),
          .delay = TimeDelta(),  // each flow adds its own
          .queue = TimeDelta::us(std::int64_t(of.queue_ms * 1000)),
          .random_loss = of.random_loss};
}

void schedule(EventQueue& events, Link& link, const std::vector<CapacityStep>& steps) {
  for (const CapacityStep& step : steps) {
    events.at(Timestamp::seconds(step.at),
              [&link, mbps = step.mbps] { link.set_capacity(DataRate::bps(std::int64_t(mbps * 1e6))); });
  }
}

// RFC 8867, 5.7: files of 100 KB to 1 MB, evenly spread, with pauses of 10 s on average.
class ShortTcp {
 public:
  ShortTcp(EventQueue& events, Link& link, std::uint32_t seed)
      : events_(events), random_(seed), flow_(events, link, TimeDelta::ms(100)) {
    pause();
  }
  double arrived_bits() const { return flow_.arrived_bits(); }

 private:
  void pause() {
    events_.after(TimeDelta::seconds(std::exponential_distribution(1.0 / 10)(random_)), [this] {
      const auto bytes = std::uniform_int_distribution<std::int64_t>(100'000, 1'000'000)(random_);
      flow_.start(DataSize::bytes(bytes), [this] { pause(); });
    });
  }
  EventQueue& events_;
  std::mt19937 random_;
  TcpFlow flow_;
};

}  // namespace

const std::vector<Case>& rfc8867() {
  static const std::vector<Case> cases = {
      {"5.1", "one flow, variable capacity", 100, {{0, 1.0}, {40, 2.5}, {60, 0.6}, {80, 1.0}}, {}, {{}}},
      {"5.2",
       "two flows, variable capacity",
       125,
       {{0, 4.0}, {25, 2.0}, {50, 3.5}, {75, 1.0}, {100, 2.0}},
       {},
       {{}, {}}},
      {"5.3",
       "congested feedback link",
       100,
       {{0, 2.0}, {20, 1.0}, {40, 0.5}, {60, 2.0}},
       {{0, 2.0}, {35, 0.8}, {70, 2.0}},
       {{}, {.backward = true}}},
      {"5.4", "three flows", 120, {{0, 3.5}}, {}, {{.start = 0}, {.start = 20}, {.start = 40}}},
      {"5.5",
       "round-trip fairness, five flows",
       300,
       {{0, 4.0}},
       {},
       {{.start = 0, .one_way_ms = 10},
        {.start = 10, .one_way_ms = 25},
        {.start = 20, .one_way_ms = 50},
        {.start = 30, .one_way_ms = 100},
        {.start = 40, .one_way_ms = 150}}},
      {"5.6", "against one long TCP flow", 120, {{0, 2.0}}, {}, {{.start = 5}}, 1, 0},
      {"5.6+", "the same, queue of 1,000 ms", 120, {{0, 2.0}}, {}, {{.start = 5}}, 1, 0, 1000},
      {"5.7", "two flows against ten short TCP flows", 300, {{0, 2.0}}, {}, {{}, {}}, 0, 10},
      {"5.8", "three flows, one paused", 120, {{0, 3.5}}, {}, {{.pause = 40, .resume = 60}, {}, {}}},
  };
  return cases;
}

const Case& rfc8867(const std::string& name) {
  for (const Case& one : rfc8867()) {
    if (one.name == name) return one;
  }
  throw std::out_of_range("no case " + name);
}

MakeController gcc() {
  return [] { return std::make_unique<GccController>(BandwidthEstimator::Config{}); };
}
MakeController loss_based() {
  return [] { return std::make_unique<LossBasedController>(BandwidthEstimator::Config{}); };
}

Outcome run(const Case& of, const MakeController& make, std::uint32_t seed) {
  EventQueue events;
  Link forward(events, link_config(of.forward, of));
  schedule(events, forward, of.forward);
  std::optional<Link> backward;
  if (!of.backward.empty()) {
    backward.emplace(events, link_config(of.backward, of));
    schedule(events, *backward, of.backward);
  }
  std::vector<std::unique_ptr<MediaFlow>> flows;
  for (const MediaPlan& plan : of.media) {
    Link& there = plan.backward ? *backward : forward;
    Link* back = !backward ? nullptr : plan.backward ? &forward : &*backward;
    MediaFlow::Config config{.further = TimeDelta::us(std::int64_t(plan.one_way_ms * 1000)), .seed = seed++};
    flows.push_back(std::make_unique<MediaFlow>(events, make(), there, back, TimeDelta(), config));
    MediaFlow* flow = flows.back().get();
    events.at(Timestamp::seconds(plan.start), [flow] { flow->start(); });
    if (plan.pause < plan.resume) {
      events.at(Timestamp::seconds(plan.pause), [flow] { flow->stop(); });
      events.at(Timestamp::seconds(plan.resume), [flow] { flow->start(); });
    }
  }
  std::vector<std::unique_ptr<TcpFlow>> tcp;
  for (int i = 0; i < of.long_tcp; ++i) {
    tcp.push_back(std::make_unique<TcpFlow>(events, forward, TimeDelta::ms(100)));
    tcp.back()->start({});
  }
  std::vector<std::unique_ptr<ShortTcp>> short_tcp;
  for (int i = 0; i < of.short_tcp; ++i)
    short_tcp.push_back(std::make_unique<ShortTcp>(events, forward, seed++));

  events.run_until(Timestamp::seconds(of.length));
  Outcome result{.of = of};
  for (const auto& flow : flows) result.media.push_back({flow->bins(), flow->queueing()});
  for (const auto& flow : tcp) result.tcp_kbps.push_back(flow->arrived_bits() / of.length / 1000);
  for (const auto& flow : short_tcp) result.tcp_kbps.push_back(flow->arrived_bits() / of.length / 1000);
  return result;
}

double Outcome::received_kbps(std::size_t flow, double from, double to) const {
  const auto& bins = media[flow].bins;
  const auto first = std::size_t(std::lround(from / kBinSeconds)),
             last = std::size_t(std::lround(to / kBinSeconds));
  double bits = 0;
  for (std::size_t i = first; i < std::min(last, bins.size()); ++i) bits += bins[i].media_bits;
  return bits / 1000 / (to - from);
}

double Outcome::sent_loss(std::size_t flow) const {
  int sent = 0, arrived = 0;
  for (const auto& bin : media[flow].bins) {
    sent += bin.sent;
    arrived += bin.arrived;
  }
  return sent > 0 ? std::max(0.0, 1 - double(arrived) / sent) : 0;
}

double Outcome::utilization() const {
  double start = of.length, capacity = 0, used = 0;
  for (const auto& plan : of.media) {
    if (!plan.backward) start = std::min(start, plan.start);
  }
  for (std::size_t i = 0; i < of.forward.size(); ++i) {
    const double from = std::max(of.forward[i].at, start);
    const double to = i + 1 < of.forward.size() ? of.forward[i + 1].at : of.length;
    capacity += of.forward[i].mbps * 1000 * (to - from);
  }
  for (std::size_t i = 0; i < media.size(); ++i) {
    if (!of.media[i].backward) used += received_kbps(i, start, of.length) * (of.length - start);
  }
  return used / capacity;
}

double Outcome::queueing_ms(double quantile) const {
  std::vector<double> all;
  for (const auto& flow : media) {
    for (const auto& queued : flow.queueing) all.push_back(queued.ms);
  }
  if (all.empty()) return 0;
  const auto nth = all.begin() + std::ptrdiff_t(quantile * double(all.size() - 1));
  std::nth_element(all.begin(), nth, all.end());
  return *nth;
}

double Outcome::jain(double from, double to) const {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < media.size(); ++i) {
    const double rate = received_kbps(i, from, to);
    sum += rate;
    squares += rate * rate;
  }
  return sum * sum / (double(media.size()) * squares);
}

double Outcome::seconds_until_received(std::size_t flow, double from, double kbps, double over) const {
  for (double end = from + over; end <= of.length; end += kBinSeconds) {
    if (received_kbps(flow, end - over, end) >= kbps) return end - from;
  }
  return of.length;
}

double Outcome::seconds_until_below(std::size_t flow, double from, double kbps) const {
  const auto& bins = media[flow].bins;
  for (auto i = std::size_t(std::lround(from / kBinSeconds)); i + 1 < bins.size(); ++i) {
    if (bins[i].target_kbps < kbps) return double(i + 1) * kBinSeconds - from;
  }
  return of.length;
}

}  // namespace campaign::network
