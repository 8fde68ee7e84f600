// All cases of RFC 8867 as a table: the estimator, and a plain loss-based controller beside it.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "network/rfc8867.hpp"

using namespace campaign::network;

namespace {

constexpr std::uint32_t kSeed = 8867;

void print_row(const Case& one, const char* controller, const MakeController& make, std::uint32_t seed) {
  const Outcome result = run(one, make, seed);
  double last_start = 0, loss = 0, media = 0, tcp = 0;
  for (std::size_t i = 0; i < one.media.size(); ++i) {
    last_start = std::max(last_start, one.media[i].start);
    loss = std::max(loss, result.sent_loss(i));
    media += result.received_kbps(i, one.media[i].start, one.length);
  }
  for (const double kbps : result.tcp_kbps) tcp += kbps;
  std::printf("| %-4s | %-38s | %-10s | %5.1f | %6.0f | %6.0f | %5.1f |", one.name.c_str(), one.what.c_str(),
              controller, 100 * result.utilization(), result.queueing_ms(0.5), result.queueing_ms(0.95),
              100 * loss);
  if (one.media.size() > 1 && one.backward.empty()) {
    std::printf(" %5.3f |", result.jain(last_start, one.length));
  } else {
    std::printf("     – |");
  }
  std::printf(" %6.0f |", media);
  if (!result.tcp_kbps.empty()) {
    std::printf(" %5.0f |\n", tcp);
  } else {
    std::printf("     – |\n");
  }
}

// Each flow's rate and target, every half second, for a plot.
void print_trace(const Case& one, const MakeController& make, std::uint32_t seed) {
  const Outcome result = run(one, make, seed);
  for (double at = 0; at < one.length; at += 0.5) {
    std::printf("%6.1f", at);
    for (std::size_t i = 0; i < one.media.size(); ++i) {
      double queue = 0;
      for (const auto& queued : result.media[i].queueing) {
        if (queued.at.seconds() >= at && queued.at.seconds() < at + 0.5) queue = std::max(queue, queued.ms);
      }
      const auto bin = std::size_t(at / 0.1 + 0.5) + 4;
      std::printf("  %6.0f %6.0f %4.0f", result.received_kbps(i, at, at + 0.5),
                  bin < result.media[i].bins.size() ? result.media[i].bins[bin].target_kbps : 0, queue);
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 2 && !std::strncmp(argv[1], "--trace=", 8)) {
    print_trace(rfc8867(argv[1] + 8), gcc(), argc > 2 ? std::uint32_t(std::atoi(argv[2])) : kSeed);
    return 0;
  }
  std::uint32_t seed = kSeed;
  if (argc == 2 && !std::strncmp(argv[1], "--seed=", 7)) {
    seed = std::uint32_t(std::atoi(argv[1] + 7));
  } else if (argc > 1) {
    std::printf(
        "Usage: congestion-bench [--seed=N | --trace=CASE]\n"
        "Runs the cases of RFC 8867 on a simulated network and prints a table; with --trace one case of the\n"
        "estimator, every half second: for each flow the rate received and the target in kbit/s, and the\n"
        "longest wait in the queue in ms.\n");
    return std::strcmp(argv[1], "--help") ? 1 : 0;
  }
  std::printf(
      "| case | what                                   | controller | used %% | queue p50 ms | p95 ms | lost "
      "%% |"
      "  Jain | media kbit/s | TCP |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Case& one : rfc8867()) {
    print_row(one, "estimator", gcc(), seed);
    print_row(one, "loss-based", loss_based(), seed);
  }
  return 0;
}
