// A pipeline with a campaignsink, for tests: built from a launch line, stopped by the destructor.
#pragma once

#include <gst/gst.h>

#include <string>

namespace campaign::test {

// What `stats` says of the work on one rung; unknown until there was some.
struct RungWork {
  bool known = false, lowered = false;
  guint particles = 0;
  double limit = 0, load = 0;
  guint64 frame_time = 0;
};

class ServingPipeline {
 public:
  // `launch` holds a campaignsink named "sink".
  explicit ServingPipeline(const std::string& launch);
  ServingPipeline(const ServingPipeline&) = delete;
  ~ServingPipeline();

  // A small live picture into a campaignsink on a free port, with `properties` of the sink.
  static std::string small(const std::string& properties = "");

  bool play();  // and waits until every input's first frame is encoded
  void stop();
  // The text and debug text of the next error on the bus, or "" if none came in time.
  std::string wait_for_error(double seconds = 5);
  bool wait_for_eos(double seconds = 10);

  unsigned port() const;
  unsigned viewers() const { return stat("viewers"); }
  unsigned connected() const { return stat("connected"); }
  GstStructure* stats() const;  // transfer full
  unsigned simulated() const;   // particles, by the account of the particlesrc named "world"
  RungWork rung(const char* quality) const;
  // Whether the bus has said by now that a rung was lowered, or is no longer.
  bool told_of_load(bool lowered);
  GstElement* sink() const { return sink_; }
  GstElement* pipeline() const { return pipeline_; }

 private:
  unsigned stat(const char* name) const;

  GstElement* pipeline_;
  GstElement* sink_;
};

}  // namespace campaign::test
