// One end of a WebRTC connection within the test: a webrtcbin, stock or ours, with an audio source in front
// if it offers. Used from the test's thread; webrtcbin's threads only count and hand over.
#pragma once

#include <gst/gst.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "util/gst_ptr.hpp"

namespace campaign::test {

// For a machine that is alone: ICE by UDP on 127.0.0.1, without searches for routers.
void use_loopback(GstElement* webrtcbin);

class WebRtcPeer {
 public:
  using Configure = std::function<void(GstElement* webrtcbin)>;

  // `webrtcbin` is taken. What `configure` sets is set before it plays.
  explicit WebRtcPeer(GstElement* webrtcbin, const Configure& configure = {});
  WebRtcPeer(const WebRtcPeer&) = delete;
  ~WebRtcPeer();

  GstElement* webrtcbin() const { return webrtcbin_; }
  // Before it offers: what it sends.
  void add_audio();
  void add_channel();

  // Both set the local description, with which gathering begins; empty if webrtcbin made none.
  std::string offer();
  std::string answer(const std::string& offer);
  void take_answer(const std::string& answer);

  // "candidate:…" and its line, of all that came since the last call.
  std::vector<std::pair<unsigned, std::string>> candidates();
  void add_candidate(unsigned line, const std::string& candidate);

  void say(const char* text);  // by the data channel, once it is open
  bool channel_open() const { return channel_open_; }
  unsigned packets() const { return packets_; }  // RTP that arrived
  std::string heard() const;                     // by the data channel
  GstWebRTCICEConnectionState ice_state() const;
  GstWebRTCICEGatheringState gathering_state() const;
  Ref<GstPromise> stats() const;

 private:
  std::string describe(const char* signal, const char* field);
  void set_description(const char* signal, GstWebRTCSDPType type, const std::string& text);
  void use_channel(GObject* channel);

  GstElement* pipeline_;
  GstElement* webrtcbin_;
  std::atomic<bool> needs_negotiation_ = false, channel_open_ = false;
  std::atomic<unsigned> packets_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::pair<unsigned, std::string>> candidates_;  // under mutex_
  std::string heard_;                                         // under mutex_
  GObject* channel_ = nullptr;                                // under mutex_; owned
};

// Takes what each has to say to the other, until `done`.
bool connect_until(WebRtcPeer& one, WebRtcPeer& other, const std::function<bool()>& done,
                   double seconds = 20);

}  // namespace campaign::test
