// See load_run.hpp.
#include "load_run.hpp"

#include "wait.hpp"

namespace campaign::test {

LoadRun::LoadRun(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {CAMPAIGN_LOAD};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  GError* error = nullptr;
  process_ = g_subprocess_newv(argv.data(), G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error(error);
  g_subprocess_communicate_async(process_, nullptr, nullptr, ended, this);
}

LoadRun::~LoadRun() {
  if (!done_) g_subprocess_force_exit(process_);
  wait_until([this] { return done_; });
  g_object_unref(process_);
}

void LoadRun::ended(GObject* process, GAsyncResult* result, gpointer data) {
  auto* self = static_cast<LoadRun*>(data);
  GBytes* out = nullptr;
  g_subprocess_communicate_finish(G_SUBPROCESS(process), result, &out, nullptr, nullptr);
  if (out) {
    gsize size = 0;
    const auto* bytes = static_cast<const char*>(g_bytes_get_data(out, &size));
    self->text_.assign(bytes ? bytes : "", size);
    g_bytes_unref(out);
  }
  self->report_ = nlohmann::json::parse(self->text_, nullptr, false);
  self->done_ = true;
}

bool LoadRun::wait(double seconds) {
  return wait_until([this] { return done_; }, seconds);
}

void LoadRun::send_signal(int signal) { g_subprocess_send_signal(process_, signal); }

int LoadRun::status() const {
  return done_ && g_subprocess_get_if_exited(process_) ? g_subprocess_get_exit_status(process_) : -1;
}

std::string load_address(const ServingPipeline& server, const std::string& campaign) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + "/?campaign=" + campaign;
}

}  // namespace campaign::test
