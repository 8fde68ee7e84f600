// An input of a campaignsink that comes while it plays, and goes with this: a picture in a bin of its own.
#pragma once

#include <gst/gst.h>

#include <string>

#include "serving_pipeline.hpp"

namespace campaign::test {

// What it is watched in.
struct GuestQualities {
  const char* only = nullptr;    // by its name; null: the ladder's
  const char* ladder = nullptr;  // of its own, as JSON; null: the sink's
};

class Guest {
 public:
  Guest(const ServingPipeline& server, const std::string& campaign, GuestQualities qualities = {});
  Guest(const Guest&) = delete;
  ~Guest();

  bool is_linked() const { return linked_; }
  GstPad* pad() const { return pad_; }  // borrowed

 private:
  const ServingPipeline& server_;
  GstElement* bin_;
  GstPad* pad_;
  bool linked_ = false;
};

}  // namespace campaign::test
