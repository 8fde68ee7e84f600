// campaign-load: spreads the viewers over threads, shows how they fare, and reports.
#include <glib-unix.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include "pipelines/load/crowd.hpp"
#include "pipelines/load/door.hpp"
#include "pipelines/load/report.hpp"

namespace campaign::load {
namespace {

constexpr int kWrongOptions = 2;
constexpr unsigned kGlanceMilliseconds = 500;
constexpr unsigned kQuietGlances = 20;  // where nobody looks, a line every ten seconds is enough

Time cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) { return Time(time.tv_sec * 1'000'000ll + time.tv_usec); };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// Two sockets a viewer: the usual limit of 1,024 descriptors is soon met.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The main thread's: looks at the crowds twice a second, on standard error, so that a report in a pipe stays
// clean.
class Glances {
 public:
  Glances(const Options& options, std::vector<std::unique_ptr<Crowd>>& crowds, Time begin)
      : options_(options),
        crowds_(crowds),
        begin_(begin),
        before_at_(begin),
        on_terminal_(isatty(STDERR_FILENO)) {}

  void show() {
    const Time now = monotonic_now();
    Progress all;
    for (const auto& crowd : crowds_) {
      const Progress part = crowd->progress();
      all.joined += part.joined;
      all.failed += part.failed;
      all.frames += part.frames;
      all.bytes += part.bytes;
      all.freezes += part.freezes;
      all.broken += part.broken;
    }
    if (!on_terminal_ && ++glances_ % kQuietGlances != 0) return;
    const double since = std::max(0.001, seconds(now - before_at_));
    std::fprintf(
        stderr,
        "%s%6.1f s  %u/%u joined  %6.0f frames/s  %7.2f Mbit/s  %llu freezes  %llu broken  %u failed%s",
        on_terminal_ ? "\r" : "", seconds(now - begin_), all.joined, options_.viewers,
        double(all.frames - before_.frames) / since, double(all.bytes - before_.bytes) * 8 / 1e6 / since,
        static_cast<unsigned long long>(all.freezes), static_cast<unsigned long long>(all.broken), all.failed,
        on_terminal_ ? "   " : "\n");
    before_ = all;
    before_at_ = now;
  }
  void finish() const {
    if (on_terminal_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  const Options& options_;
  std::vector<std::unique_ptr<Crowd>>& crowds_;
  Time begin_, before_at_;
  bool on_terminal_;
  unsigned glances_ = 0;
  Progress before_;
};

bool write_json(const Report& report, const std::string& file) {
  if (file.empty()) return true;
  if (file == "-") {
    std::cout << report.json() << std::flush;
    return bool(std::cout);
  }
  std::ofstream out(file);
  out << report.json() << std::flush;
  if (!out) std::fprintf(stderr, "campaign-load: %s could not be written.\n", file.c_str());
  return bool(out);
}

int run(const Options& options) {
  auto identity = DtlsIdentity::make();
  if (!identity) {
    std::fprintf(stderr, "campaign-load: %s\n", identity.error().detail().c_str());
    return 1;
  }
  raise_descriptor_limit();
  if (options.wait > Time::zero())
    if (const auto open = wait_at_the_door(options); !open) {
      std::fprintf(stderr, "campaign-load: waited for %g s: %s\n", seconds(options.wait),
                   open.error().detail().c_str());
      return 1;
    }
  const unsigned threads = std::min(options.threads, options.viewers);
  std::vector<std::unique_ptr<Crowd>> crowds;
  for (unsigned i = 0; i < threads; ++i)
    crowds.push_back(std::make_unique<Crowd>(options, *identity, i, threads));

  const LoopPtr loop{g_main_loop_new(nullptr, FALSE)};
  const Time begin = monotonic_now(), cpu_before = cpu_time();
  std::vector<std::vector<ViewingResult>> parts(threads);
  std::vector<std::thread> running;
  std::atomic<unsigned> left = threads;
  for (unsigned i = 0; i < threads; ++i)
    running.emplace_back([&, i] {
      parts[i] = crowds[i]->run(begin);
      if (--left == 0) g_main_loop_quit(loop.get());
    });

  Glances glances(options, crowds, begin);
  const guint looking = g_timeout_add(
      kGlanceMilliseconds,
      [](gpointer data) -> gboolean {
        static_cast<Glances*>(data)->show();
        return G_SOURCE_CONTINUE;
      },
      &glances);
  const auto stop = +[](gpointer data) -> gboolean {
    for (const auto& crowd : *static_cast<std::vector<std::unique_ptr<Crowd>>*>(data)) crowd->stop();
    return G_SOURCE_CONTINUE;
  };
  const guint interrupted = g_unix_signal_add(SIGINT, stop, &crowds);
  const guint terminated = g_unix_signal_add(SIGTERM, stop, &crowds);
  if (left > 0) g_main_loop_run(loop.get());
  for (std::thread& thread : running) thread.join();
  for (const guint source : {looking, interrupted, terminated}) g_source_remove(source);
  glances.finish();

  std::vector<ViewingResult> viewings;
  for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(viewings));
  const Report report(options, std::move(viewings), {monotonic_now() - begin, cpu_time() - cpu_before});
  if (options.json != "-") std::cout << report.table() << std::flush;
  const bool written = write_json(report, options.json);
  return report.good() && written ? 0 : 1;
}

}  // namespace
}  // namespace campaign::load

int main(int argc, char** argv) {
  using namespace campaign::load;
  const auto parsed = parse_options({argv + std::min(argc, 1), argv + argc});
  if (!parsed) {
    std::fprintf(stderr, "campaign-load: %s\n", parsed.error().for_user().c_str());
    return kWrongOptions;
  }
  if (!parsed->options) {
    std::cout << parsed->help;
    return 0;
  }
  return run(*parsed->options);
}
