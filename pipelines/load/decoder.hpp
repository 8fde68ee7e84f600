// Decodes what a viewer received and counts what the decoder objects to. libavcodec does the work; the
// pictures are thrown away. One thread.
#pragma once

#include <memory>

#include "pipelines/load/media/payload.hpp"
#include "util/result.hpp"

struct AVCodecContext;
struct AVFrame;
struct AVPacket;

namespace campaign::load {

class Decoder {
 public:
  static Result<std::unique_ptr<Decoder>> make(Codec codec);
  ~Decoder();

  void decode(Bytes unit);

  std::uint64_t pictures() const { return pictures_; }
  std::uint64_t errors() const { return errors_; }  // units refused, and pictures marked as damaged
  int width() const { return width_; }              // of the last picture
  int height() const { return height_; }

 private:
  Decoder() = default;
  void take_pictures();

  AVCodecContext* context_ = nullptr;
  AVFrame* frame_ = nullptr;
  AVPacket* packet_ = nullptr;
  std::uint64_t pictures_ = 0, errors_ = 0;
  int width_ = 0, height_ = 0;
};

}  // namespace campaign::load
