// Plays a pipeline in a process of its own, for tests that need another environment: prints the checksum of
// every frame, or the error as a user reads it.
#include <cinttypes>
#include <cstdio>

#include "frames.hpp"

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 2) {
    std::fprintf(stderr, "Usage: play-pipeline LAUNCH-LINE\n");
    return 2;
  }
  int result = 1;
  {
    campaign::test::FramePipeline pipeline{std::string(argv[1])};
    const bool started =
        gst_element_set_state(pipeline.pipeline(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
    while (auto frame = started ? pipeline.pull() : std::nullopt)
      std::printf("%016" PRIx64 "\n", frame->checksum);
    if (started && pipeline.at_end()) {
      result = 0;
    } else {
      std::printf("%s\n", pipeline.wait_for(GST_MESSAGE_ERROR, 1).c_str());
    }
  }
  gst_deinit();
  return result;
}
