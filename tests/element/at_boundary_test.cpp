// What our C++ throws where C calls into it: an error on the bus that says what to do.
#include "util/at_boundary.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

#include "util/gst_ptr.hpp"

namespace campaign {
namespace {

// The domain, code and text of the error that an element posts when `f` throws, after it gave the fallback.
template <class F>
std::string error_of(F&& f) {
  const auto element = sink(gst_element_factory_make("fakesink", nullptr));
  const auto bus = adopt(gst_bus_new());
  gst_element_set_bus(element.get(), bus.get());
  EXPECT_EQ(at_boundary(element.get(), -1, f), -1);
  GstMessage* message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
  gst_element_set_bus(element.get(), nullptr);
  if (!message) return "";
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string text = std::string(g_quark_to_string(error->domain)) + " " + std::to_string(error->code) +
                           ": " + error->message;
  g_error_free(error);
  gst_message_unref(message);
  return text;
}

TEST(AtBoundary, WhereMemoryIsShortItSaysWhatToAskLessOf) {
  const std::string text = error_of([]() -> int { throw std::bad_alloc(); });
  const std::string start = std::string(g_quark_to_string(GST_RESOURCE_ERROR)) + " " +
                            std::to_string(GST_RESOURCE_ERROR_NO_SPACE_LEFT) +
                            ": There is not enough memory. ";
  EXPECT_EQ(text.substr(0, start.size()), start);
  EXPECT_NE(text.find("fewer particles or smaller pictures"), std::string::npos);
}

TEST(AtBoundary, NothingThatIsThrownGoesPastIt) {
  EXPECT_NE(error_of([]() -> int { throw std::runtime_error("x"); }).find("internal error"),
            std::string::npos);
  EXPECT_NE(error_of([]() -> int { throw 1; }).find("internal error"), std::string::npos);
}

}  // namespace
}  // namespace campaign
