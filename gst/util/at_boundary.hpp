// Where C calls into our C++: nothing throws past this line.
#pragma once

#include <gst/gst.h>

#include <exception>
#include <new>

namespace campaign {

// Runs `f`; what it throws becomes an error message on `element`'s bus and `fallback`.
template <class R, class F>
R at_boundary(gpointer element, R fallback, F&& f) noexcept {
  try {
    return f();
  } catch (const std::bad_alloc& e) {
    GST_ELEMENT_ERROR(
        GST_ELEMENT(element), RESOURCE, NO_SPACE_LEFT,
        ("There is not enough memory. Ask for fewer particles or smaller pictures, or end something else."),
        ("%s", e.what()));
  } catch (const std::exception& e) {
    GST_ELEMENT_ERROR(GST_ELEMENT(element), LIBRARY, FAILED, ("An internal error stopped this element."),
                      ("%s", e.what()));
  } catch (...) {
    GST_ELEMENT_ERROR(GST_ELEMENT(element), LIBRARY, FAILED, ("An internal error stopped this element."),
                      ("unknown exception"));
  }
  return fallback;
}

}  // namespace campaign
