// What the estimator and the pacer cost per packet: sent, paced, told.
#include <benchmark/benchmark.h>

#include "network/echo.hpp"

namespace {

void BM_Packet(benchmark::State& state) {
  campaign::network::Echo echo;
  for (auto _ : state) echo.play_message();
  benchmark::DoNotOptimize(echo.estimator().target());
  state.SetItemsProcessed(state.iterations() * campaign::network::Echo::kPackets);
  state.counters["ns/packet"] =
      benchmark::Counter(double(state.iterations()) * campaign::network::Echo::kPackets / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Packet)->Name("packet");

}  // namespace

BENCHMARK_MAIN();
