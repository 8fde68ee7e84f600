// Which pictures of a stream may be left out without any other needing them: each says so in its own first
// bytes. One thread.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <span>

#define GST_USE_UNSTABLE_API
#include <gst/codecparsers/gstvp8parser.h>

#include "campaign/encoder_profile.hpp"

namespace campaign::viewer {

class DroppableUnits {
 public:
  DroppableUnits() { gst_vp8_parser_init(&vp8_); }

  // Of each access unit of the stream in turn. False where that cannot be told, and always for VP9 and AV1,
  // where it takes the headers of many earlier ones to tell.
  bool next(Codec codec, GstBuffer* unit);

 private:
  bool next_vp8(std::span<const std::uint8_t> unit);

  GstVp8Parser vp8_;
};

}  // namespace campaign::viewer
