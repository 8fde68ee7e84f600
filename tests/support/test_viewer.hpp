// A real viewer: signalling over WebSocket, media through a receiving webrtcbin, frames decoded and counted.
// Public members are used from the test's thread; webrtcbin's threads only count and hand over.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "websocket_client.hpp"

namespace campaign::test {

class TestViewer {
 public:
  struct Options {
    std::string query = "?campaign=0";
    bool decode = true;                                     // false: count RTP packets only, for speed
    bool answer = true;                                     // false: leave the offer lying
    std::function<std::string(std::string sdp)> edit = {};  // of the answer, before it is sent
  };

  explicit TestViewer(unsigned port);
  TestViewer(unsigned port, Options options);
  TestViewer(const TestViewer&) = delete;
  ~TestViewer();

  WebSocketClient& socket() { return *socket_; }
  unsigned frames() const { return frames_; }    // decoded
  unsigned packets() const { return packets_; }  // RTP
  bool wait_for_frames(unsigned more, double seconds = 10);
  bool wait_for_packets(unsigned more, double seconds = 10);
  double join_seconds() const { return double(first_media_ - started_) / G_USEC_PER_SEC; }
  std::string codec() const;  // encoding-name of the received stream
  const nlohmann::json& welcome() const { return welcome_; }
  const std::string& offer() const { return offer_; }

 private:
  bool handle(const nlohmann::json& message);
  void take_offer(const std::string& sdp);
  void say(nlohmann::json message);  // any thread
  void pad_added(GstPad* pad);
  static GstPadProbeReturn count_packet(GstPad*, GstPadProbeInfo*, gpointer self);
  static GstPadProbeReturn count_frame(GstPad*, GstPadProbeInfo*, gpointer self);

  const Options options_;
  const gint64 started_ = g_get_monotonic_time();
  std::atomic<gint64> first_media_ = 0;
  std::atomic<unsigned> packets_ = 0, frames_ = 0;
  mutable std::mutex mutex_;
  std::string codec_;                   // under mutex_
  std::vector<nlohmann::json> to_say_;  // under mutex_; sent by the test's thread
  nlohmann::json welcome_;
  std::string offer_;
  GstElement* pipeline_;
  GstElement* webrtcbin_;
  std::unique_ptr<WebSocketClient> socket_;
  GSource* sender_;
};

}  // namespace campaign::test
