// What counts of references order: whoever lets go of the last one takes apart what the others have done to
// it. See interpose.hpp.
#include <glib-object.h>
#include <gst/gst.h>

#include "interpose.hpp"

namespace {

// Takes one off here, unless it is the last: that one is GLib's to take apart. Between a release and the
// count that goes down nobody may come to be the last, so both are done here; ThreadSanitizer does not see
// the count, which GLib changes unseen as well.
template <class Count>
__attribute__((no_sanitize("thread"))) bool take_off(Count* count) {
  __tsan_release(const_cast<void*>(static_cast<const volatile void*>(count)));
  auto now = __atomic_load_n(count, __ATOMIC_ACQUIRE);
  while (now > 1)
    if (__atomic_compare_exchange_n(count, &now, now - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      return true;
  __tsan_acquire(const_cast<void*>(static_cast<const volatile void*>(count)));
  return false;
}

// The last one of a buffer lets go of its memories inside of GStreamer, and the last one of a list of its
// buffers.
void let_go_of_memories(GstBuffer* buffer) {
  for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i)
    campaign::tsan::pass_through(&GST_MINI_OBJECT_CAST(gst_buffer_peek_memory(buffer, i))->refcount);
}

void let_go_of_parts(GstMiniObject* object) {
  if (GST_IS_BUFFER(object)) let_go_of_memories(GST_BUFFER_CAST(object));
  if (!GST_IS_BUFFER_LIST(object)) return;
  auto* list = GST_BUFFER_LIST_CAST(object);
  for (guint i = 0; i < gst_buffer_list_length(list); ++i) {
    GstBuffer* buffer = gst_buffer_list_get(list, i);
    campaign::tsan::pass_through(&GST_MINI_OBJECT_CAST(buffer)->refcount);
    let_go_of_memories(buffer);
  }
}

}  // namespace

extern "C" void g_object_unref(gpointer object) {
  REAL(g_object_unref);
  constexpr guint kHasToggleReference = 1;  // of gobject.c: it has to hear that only one is left
  auto* counted = static_cast<GObject*>(object);
  if (object && !(g_datalist_get_flags(&counted->qdata) & kHasToggleReference) &&
      take_off(&counted->ref_count))
    return;
  next(object);
}

extern "C" void gst_mini_object_unref(GstMiniObject* object) {
  REAL(gst_mini_object_unref);
  if (object && take_off(&object->refcount)) return;
  if (object) let_go_of_parts(object);
  next(object);
}

// Whoever finds that nobody else has it may write to it; else it is let go of, and a copy comes back.
extern "C" GstMiniObject* gst_mini_object_make_writable(GstMiniObject* object) {
  if (gst_mini_object_is_writable(object)) return object;
  GstMiniObject* copy = gst_mini_object_copy(object);
  gst_mini_object_unref(object);
  return copy;
}

extern "C" gboolean gst_mini_object_is_writable(const GstMiniObject* object) {
  REAL(gst_mini_object_is_writable);
  const gboolean writable = next(object);
  if (writable) __tsan_acquire(const_cast<gint*>(&object->refcount));
  return writable;
}
