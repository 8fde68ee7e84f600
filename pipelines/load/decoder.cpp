// See decoder.hpp.
#include "pipelines/load/decoder.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
}

#include <algorithm>
#include <new>

namespace campaign::load {

Result<std::unique_ptr<Decoder>> Decoder::make(Codec codec) {
  av_log_set_level(AV_LOG_QUIET);  // its words would tear the progress line; what it finds is counted
  const AVCodec* found = avcodec_find_decoder(codec == Codec::h264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8);
  if (!found) return Error("libavcodec here has no decoder for " + std::string(codec_name(codec)) + ".");
  std::unique_ptr<Decoder> decoder{new Decoder};
  decoder->context_ = avcodec_alloc_context3(found);
  decoder->frame_ = av_frame_alloc();
  decoder->packet_ = av_packet_alloc();
  if (!decoder->context_ || !decoder->frame_ || !decoder->packet_) throw std::bad_alloc();
  decoder->context_->thread_count = 1;
  decoder->context_->flags |= AV_CODEC_FLAG_LOW_DELAY;
  decoder->context_->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  if (avcodec_open2(decoder->context_, found, nullptr) < 0)
    return Error("The decoder for " + std::string(codec_name(codec)) + " could not be opened.");
  return decoder;
}

Decoder::~Decoder() {
  av_packet_free(&packet_);
  av_frame_free(&frame_);
  avcodec_free_context(&context_);
}

void Decoder::decode(Bytes unit) {
  if (av_new_packet(packet_, static_cast<int>(unit.size())) < 0) {  // padded, as the decoder wants it
    ++errors_;
    return;
  }
  std::copy(unit.begin(), unit.end(), packet_->data);
  if (avcodec_send_packet(context_, packet_) < 0) ++errors_;
  av_packet_unref(packet_);
  take_pictures();
}

void Decoder::take_pictures() {
  int status = 0;
  while ((status = avcodec_receive_frame(context_, frame_)) == 0) {
    ++pictures_;
    if (frame_->decode_error_flags || frame_->flags & AV_FRAME_FLAG_CORRUPT) ++errors_;
    width_ = frame_->width;
    height_ = frame_->height;
    av_frame_unref(frame_);
  }
  if (status != AVERROR(EAGAIN) && status != AVERROR_EOF) ++errors_;
}

}  // namespace campaign::load
