// One run of campaign-load, as a process of its own. Its pipe is read on the test's main context, which
// wait_until() iterates.
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "serving_pipeline.hpp"

namespace campaign::test {

class LoadRun {
 public:
  explicit LoadRun(const std::vector<std::string>& arguments);
  LoadRun(const LoadRun&) = delete;
  ~LoadRun();  // kills it where it still runs

  bool wait(double seconds = 60);  // until it has ended by itself
  void send_signal(int signal);

  int status() const;                                // of its exit; -1 before that, and when it was killed
  const std::string& text() const { return text_; }  // standard output
  const nlohmann::json& report() const { return report_; }  // with --json=-; discarded where there was none

 private:
  static void ended(GObject* process, GAsyncResult* result, gpointer self);

  GSubprocess* process_;
  bool done_ = false;
  std::string text_;
  nlohmann::json report_{nlohmann::json::value_t::discarded};
};

// The campaign, or the server's first one.
std::string load_address(const ServingPipeline& server, const std::string& campaign = "0");

}  // namespace campaign::test
