// See rendition.hpp.
#include "viewer/rendition.hpp"

#include <algorithm>
#include <vector>

#include "viewer/unit_buffer.hpp"

namespace campaign::viewer {

class Rendition::ToUpstream : public routing::StreamUpstream {
 public:
  explicit ToUpstream(std::weak_ptr<Rendition> rendition) : rendition_(std::move(rendition)) {}

  void force_key_frame() override {
    if (const auto rendition = rendition_.lock()) rendition->upstream_.snapshot().force_key_frame();
  }
  void watched(bool by_anybody) override {
    if (!by_anybody && !ever_) return;  // it begins unwatched, which is known
    ever_ = true;
    const auto rendition = rendition_.lock();
    if (!rendition) return;
    const Upstream upstream = rendition->upstream_.snapshot();
    if (upstream.watched) upstream.watched(by_anybody);
  }

 private:
  const std::weak_ptr<Rendition> rendition_;
  bool ever_ = false;  // watched; one thread at a time
};

routing::StreamStats Rendition::stats() const {
  const auto stream = stream_.snapshot();
  return stream ? stream->stats() : routing::StreamStats{};
}

bool Rendition::is_watched() const {
  const auto stream = stream_.snapshot();
  return stream && stream->is_watched();
}

void Rendition::set_format(RenditionFormat format) {
  format_.with([&](auto& current) { current = std::move(format); });
}

void Rendition::set_encoder(std::string name) {
  encoder_.with([&](auto& current) { current = std::move(name); });
}

void Rendition::set_work(const RenditionWork& work) {
  work_.with([&](auto& current) { current = work; });
}

void Rendition::forget_format() {
  format_.with([](auto& current) { current.reset(); });
}

void Rendition::set_bitrate(std::uint64_t bits_per_second) {
  bitrate_.with([&](auto& current) { current = bits_per_second; });
  if (const auto stream = stream_.snapshot()) stream->set_bitrate(bits_per_second, routing_now());
}

std::uint64_t Rendition::bitrate() const {
  if (const std::uint64_t set = bitrate_.snapshot(); set != 0) return set;
  return std::max(Ladder()[0].bitrate, name_.rank - name_.rank / 10);
}

void Rendition::set_upstream(Upstream upstream) {
  upstream_.with([&](Upstream& current) { current = std::move(upstream); });
}

void Rendition::join(routing::Router& router) {
  const auto format = format_.snapshot();
  if (!format) return;
  auto stream =
      router.add_stream({name_.campaign, name_.quality, format_of(format->codec), rank_, bitrate_.snapshot()},
                        {}, std::make_shared<ToUpstream>(weak_from_this()), routing_now());
  stream_.with([&](auto& current) { current = std::move(stream); });
}

void Rendition::leave(routing::Router& router) {
  const auto stream = stream_.with([](auto& current) { return std::exchange(current, nullptr); });
  if (stream) router.remove_stream(stream, routing_now());
}

void Rendition::publish(Ref<GstBuffer> unit) {
  const auto stream = stream_.snapshot();
  if (!stream) return;
  const bool droppable = droppable_.next(codec_of(stream->description().format), unit.get());
  stream->publish(make_unit(std::move(unit), droppable), routing_now());
}

Ladder ladder_of(std::span<const std::shared_ptr<Rendition>> renditions, const std::string& campaign) {
  std::vector<Rung> rungs;
  for (const auto& rendition : renditions) {
    if (rendition->campaign() != campaign) continue;
    Rung rung;
    rung.name = rendition->quality();
    rung.threshold = rendition->rank();
    rung.bitrate = rendition->bitrate();
    rungs.push_back(std::move(rung));
  }
  return Ladder::of(std::move(rungs));
}

}  // namespace campaign::viewer
