// See rendition.hpp. Every viewer gets a reference to the same buffer; nothing is copied and nobody waits.
#include "viewer/rendition.hpp"

#include <algorithm>

#include "viewer/session.hpp"

namespace campaign::viewer {

Rendition::Rendition(std::string campaign, std::string quality, Upstream upstream)
    : campaign_(std::move(campaign)), quality_(std::move(quality)), upstream_(std::move(upstream)) {}

void Rendition::set_format(RenditionFormat format) {
  format_.with([&](auto& current) { current = std::move(format); });
}

void Rendition::set_encoder(std::string name) {
  encoder_.with([&](auto& current) { current = std::move(name); });
}

void Rendition::forget_format() {
  format_.with([](auto& current) { current.reset(); });
  rate_.with([](auto& rate) { rate = {}; });
  requests_.with([](auto& requests) { requests = {}; });
  window_ = {};
}

void Rendition::publish(const Ref<GstBuffer>& unit, std::int64_t now) {
  const bool key_frame = !GST_BUFFER_FLAG_IS_SET(unit.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  measure(gst_buffer_get_size(unit.get()), key_frame, now);
  const auto sessions = sessions_.snapshot();
  for (const auto& session : *sessions) session->push(unit, key_frame);
  if (requests_.with([&](auto& requests) { return requests.frame(key_frame, now); }))
    upstream_.force_key_frame();
}

void Rendition::measure(std::size_t bytes, bool key_frame, std::int64_t now) {
  constexpr std::int64_t kSecond = 1'000'000;
  if (window_.since == 0) window_.since = now;
  const std::int64_t elapsed = now - window_.since;
  const bool full = elapsed >= kSecond;
  rate_.with([&](RenditionRate& rate) {
    ++rate.frames;
    if (key_frame) ++rate.key_frames;
    if (!full) return;
    rate.bitrate = std::uint64_t(double(window_.bytes) * 8 * kSecond / double(elapsed));
    rate.framerate = double(window_.frames) * kSecond / double(elapsed);
  });
  if (full) window_ = {now, 0, 0};
  window_.bytes += bytes;
  ++window_.frames;
}

void Rendition::add(std::shared_ptr<Session> session) {
  sessions_.with([&](auto& sessions) {
    auto next = std::make_shared<Sessions>(*sessions);
    next->push_back(std::move(session));
    sessions = std::move(next);
  });
}

void Rendition::remove(const Session* session) {
  sessions_.with([&](auto& sessions) {
    auto next = std::make_shared<Sessions>(*sessions);
    std::erase_if(*next, [&](const auto& other) { return other.get() == session; });
    sessions = std::move(next);
  });
}

void Rendition::request_key_frame(std::int64_t now) {
  if (requests_.with([&](auto& requests) { return requests.request(now); })) upstream_.force_key_frame();
}

}  // namespace campaign::viewer
