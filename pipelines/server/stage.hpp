// The pipeline with campaignsink in it: plays as long as the server lives, while campaigns come and go in it.
// Made and destroyed on the main loop's thread; what it tells comes later on that loop.
#pragma once

#include <gst/gst.h>
#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "events/loop_queue.hpp"
#include "pipelines/server/config.hpp"
#include "util/gst_ptr.hpp"
#include "util/result.hpp"

namespace campaign::server {

struct ViewerInfo {
  std::string peer, campaign, quality, context;
  bool connected = false;
  std::uint64_t dropped = 0;  // frames
};

struct StageReport {
  std::vector<ViewerInfo> viewers;
};

class Stage {
 public:
  struct Events {
    std::function<void(const std::string&peer, const std::string&campaign)> viewer_added, viewer_removed,
        campaign_wanted;
    // An element failed; `source` lies in whatever bin it is of. `campaign`: whose it is, where campaignsink
    // knows; or empty.
    std::function<void(GstObject* source, const std::string& campaign, const Error& what)> failed;
    // On the HTTP server's own thread, before it listens.
    std::function<void(SoupServer*)> http_setup;
  };

  static Result<std::unique_ptr<Stage>> open(const Config& config, Events events);
  Stage(const Stage&) = delete;
  ~Stage();  // says bye to everybody

  GstBin* bin() const { return GST_BIN(pipeline_.get()); }
  GstElement* sink() const { return sink_.get(); }
  unsigned port() const;

  // Any thread.
  GstClockTime running_time() const;
  GstClockTime clock_time() const;
  StageReport report() const;
  void set_max_viewers(unsigned most);
  void accept_viewers(bool accept);
  void set_state(const std::string& campaign, const std::string& json, std::uint64_t revision);
  // Whom viewers turn to when this server is gone.
  void set_other_servers(const std::vector<std::string>& urls);
  // False: there is no such viewer.
  bool redirect(const std::string& peer, const std::string& url);
  bool refuse(const std::string& peer, const char* code, const std::string& message);
  bool remove_viewer(const std::string& peer);
  bool move_viewer(const std::string& peer, const std::string& campaign, const std::string& quality);

 private:
  explicit Stage(Events events) : events_(std::move(events)) {}
  Result<void> build(const Config& config);
  template <auto event, class... More>
  static void hand_over(GstElement*, const char* peer, const char* campaign, More..., gpointer self);
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer self);
  void hear(GstMessage* message);

  const Events events_;
  Ref<GstElement> pipeline_, sink_;
  std::vector<gulong> signals_;
  events::LoopQueue loop_;
};

}  // namespace campaign::server
