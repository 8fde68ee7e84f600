// See report.hpp.
#include "pipelines/load/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace campaign::load {
namespace {

using nlohmann::ordered_json;

// The frames that a joiner gets at once, from the last key frame on, say nothing about a rate.
constexpr Time kLeastWatched = 1s;

__attribute__((format(printf, 2, 3))) void print(std::string& out, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  out += line;
}

std::string with_commas(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

ordered_json to_json(const Spread& spread) {
  return {{"count", spread.count},
          {"p50", milliseconds(spread.p50)},
          {"p95", milliseconds(spread.p95)},
          {"max", milliseconds(spread.max)}};
}

ordered_json to_json(const ReceptionCounters& media) {
  return {{"frames", media.frames},
          {"key_frames", media.key_frames},
          {"incomplete_frames", media.incomplete},
          {"undecodable_frames", media.undecodable},
          {"freezes", media.freezes},
          {"frozen_seconds", seconds(media.frozen)},
          {"longest_pause_ms", milliseconds(media.longest_pause)},
          {"packets", media.packets},
          {"bytes", media.bytes},
          {"gaps", media.gaps},
          {"lost", media.lost},
          {"late", media.late},
          {"duplicates", media.duplicates},
          {"retransmitted", media.retransmitted},
          {"malformed", media.malformed},
          {"strangers", media.strangers},
          {"backward_timestamps", media.backward},
          {"stops", media.stops},
          {"returns", media.returns},
          {"longest_return_ms", milliseconds(media.longest_return)},
          {"key_frame_requests", media.key_frame_requests},
          {"sender_reports", media.reports}};
}

void add(ReceptionCounters& total, const ReceptionCounters& one) {
  total.packets += one.packets;
  total.bytes += one.bytes;
  total.gaps += one.gaps;
  total.lost += one.lost;
  total.late += one.late;
  total.duplicates += one.duplicates;
  total.retransmitted += one.retransmitted;
  total.malformed += one.malformed;
  total.strangers += one.strangers;
  total.frames += one.frames;
  total.key_frames += one.key_frames;
  total.incomplete += one.incomplete;
  total.undecodable += one.undecodable;
  total.backward += one.backward;
  total.freezes += one.freezes;
  total.frozen += one.frozen;
  total.longest_pause = std::max(total.longest_pause, one.longest_pause);
  total.stops += one.stops;
  total.returns += one.returns;
  total.longest_return = std::max(total.longest_return, one.longest_return);
  total.key_frame_requests += one.key_frame_requests;
  total.reports += one.reports;
}

}  // namespace

Spread spread_of(std::vector<Time> values) {
  Spread spread;
  spread.count = values.size();
  if (values.empty()) return spread;
  std::sort(values.begin(), values.end());
  const auto rank = [&](double part) {
    return values[static_cast<std::size_t>(std::ceil(part * double(values.size()))) - 1];
  };
  spread.p50 = rank(0.50);
  spread.p95 = rank(0.95);
  spread.max = values.back();
  return spread;
}

Report::Report(const Options& options, std::vector<ViewingResult> viewings, RunCost cost)
    : options_(options), viewings_(std::move(viewings)), cost_(cost) {
  std::vector<Time> offer, join, first_frame, switches, pauses;
  std::vector<bool> has_frames(options.viewers, false);
  unsigned measured = 0;
  std::uint64_t intervals = 0;
  double watched_seconds = 0;
  for (const ViewingResult& viewing : viewings_) {
    add(total_, viewing.media);
    if (viewing.offered) offer.push_back(*viewing.offered);
    if (viewing.joined) join.push_back(*viewing.joined);
    if (viewing.first_frame) first_frame.push_back(*viewing.first_frame);
    if (viewing.media.frames > 0) {
      has_frames.at(viewing.viewer) = true;
      pauses.push_back(viewing.media.longest_pause);
    }
    switches.insert(switches.end(), viewing.switches.begin(), viewing.switches.end());
    if (!viewing.failure.empty()) ++failures_[viewing.failure];
    switches_asked_ += viewing.switches_asked;
    switches_refused_ += viewing.switches_refused;
    switches_done_ += viewing.switches.size();
    campaign_switches_ += viewing.campaign_switches;
    decoded_ += viewing.decoded;
    decode_errors_ += viewing.decode_errors;
    viewer_seconds_ += seconds(viewing.lasted);
    if (viewing.media.frames < 2) continue;
    const Time watched = *viewing.media.last_frame - *viewing.media.first_frame;
    intervals += viewing.media.frames - 1;
    watched_seconds += seconds(watched);
    if (watched < kLeastWatched) continue;
    const double rate = viewing.frame_rate();
    lowest_frame_rate_ = measured++ ? std::min(lowest_frame_rate_, rate) : rate;
  }
  if (watched_seconds > 0) frame_rate_ = double(intervals) / watched_seconds;
  joined_ = static_cast<unsigned>(join.size());
  without_frames_ = static_cast<unsigned>(std::count(has_frames.begin(), has_frames.end(), false));
  offer_ = spread_of(std::move(offer));
  join_ = spread_of(std::move(join));
  first_frame_ = spread_of(std::move(first_frame));
  switch_ = spread_of(std::move(switches));
  pause_ = spread_of(std::move(pauses));
}

std::string Report::table() const {
  std::string out;
  print(out, "%u %s of %s, %.1f s, seed %llu\n\n", options_.viewers,
        options_.viewers == 1 ? "viewer" : "viewers", options_.address.substr(0, 300).c_str(),
        seconds(cost_.elapsed), static_cast<unsigned long long>(options_.seed));
  print(out, "%-16s %10s %10s %10s %10s\n", "milliseconds", "count", "p50", "p95", "max");
  const auto row = [&](const char* name, const Spread& spread) {
    print(out, "%-16s %10zu %10.0f %10.0f %10.0f\n", name, spread.count, milliseconds(spread.p50),
          milliseconds(spread.p95), milliseconds(spread.max));
  };
  row("offer", offer_);
  row("join", join_);
  row("first frame", first_frame_);
  if (switches_asked_ > 0) row("switch", switch_);
  row("longest pause", pause_);

  out += '\n';
  const auto count = [&](const char* name, std::uint64_t value, const std::string& more) {
    print(out, "%-16s %10s  %s\n", name, with_commas(value).c_str(), more.c_str());
  };
  const auto number = [](const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return std::string(text);
  };
  const auto bad = [&](const char* name, std::uint64_t value, const std::string& more = {}) {
    count(name, value, more);
  };
  count("frames", total_.frames,
        number("%.2f a second, ", frame_rate_) + number("%.2f for the worst viewer; ", lowest_frame_rate_) +
            with_commas(total_.key_frames) + " key frames, " + with_commas(total_.key_frame_requests) +
            " asked for");
  bad("freezes", total_.freezes, number("%.1f s in all", seconds(total_.frozen)));
  bad("broken frames", total_.incomplete + total_.undecodable,
      with_commas(total_.incomplete) + " with a hole, " + with_commas(total_.undecodable) + " behind one");
  count("packets", total_.packets,
        number("%.1f MB, ", double(total_.bytes) / 1e6) +
            number("%.0f kbit/s a viewer",
                   viewer_seconds_ > 0 ? double(total_.bytes) * 8 / 1000 / viewer_seconds_ : 0));
  bad("gaps", total_.gaps,
      with_commas(total_.lost) + " packets lost, " + with_commas(total_.late) + " late, " +
          with_commas(total_.duplicates) + " twice, " + with_commas(total_.retransmitted) + " sent again");
  bad("backward", total_.backward, "timestamps that do not grow");
  if (total_.malformed + total_.strangers > 0)
    bad("odd packets", total_.malformed + total_.strangers, with_commas(total_.malformed) + " malformed");
  if (switches_asked_ > 0)
    count(
        "switches", switches_done_,
        "of " + with_commas(switches_asked_) + " asked for, " + with_commas(switches_refused_) + " refused");
  if (options_.decoding > 0)
    bad("decode errors", decode_errors_, with_commas(decoded_) + " pictures decoded");
  count("viewings", viewings_.size(), std::to_string(joined_) + " joined");
  print(out, "%-16s %9.1f%%  of a core, %.2f %% a viewer\n", "this program",
        100 * seconds(cost_.cpu) / std::max(0.001, seconds(cost_.elapsed)),
        100 * seconds(cost_.cpu) / std::max(0.001, viewer_seconds_));

  if (without_frames_ > 0)
    print(out, "\n%u of %u viewers got no frame.\n", without_frames_, options_.viewers);
  for (const auto& [why, times] : failures_) print(out, "%u times: %s\n", times, why.substr(0, 400).c_str());
  return out;
}

std::string Report::json() const {
  ordered_json failures = ordered_json::object();
  for (const auto& [why, times] : failures_) failures[why] = times;
  ordered_json each = ordered_json::array();
  for (const ViewingResult& viewing : viewings_) {
    ordered_json one{
        {"viewer", viewing.viewer}, {"peer", viewing.peer}, {"seconds", seconds(viewing.lasted)}};
    one["join_ms"] = viewing.joined ? ordered_json(milliseconds(*viewing.joined)) : ordered_json();
    one["first_frame_ms"] =
        viewing.first_frame ? ordered_json(milliseconds(*viewing.first_frame)) : ordered_json();
    one["frame_rate"] = viewing.frame_rate();
    one.update(to_json(viewing.media));
    one["early"] = viewing.early;
    one["unreadable"] = viewing.unreadable;
    one["switches"] = viewing.switches.size();
    if (viewing.decodes) {
      one["decoded"] = viewing.decoded;
      one["decode_errors"] = viewing.decode_errors;
      one["width"] = viewing.width;
      one["height"] = viewing.height;
    }
    if (!viewing.failure.empty()) one["failure"] = viewing.failure;
    if (options_.follow) {
      one["server"] = viewing.server;
      one["revision"] = viewing.revision;
      one["revisions_back"] = viewing.revisions_back;
      if (viewing.away) one["away_ms"] = milliseconds(*viewing.away);
      if (!viewing.followed_by.empty()) one["followed_by"] = viewing.followed_by;
    }
    each.push_back(std::move(one));
  }
  ordered_json all{{"address", options_.address},
                   {"viewers", options_.viewers},
                   {"seed", options_.seed},
                   {"elapsed_seconds", seconds(cost_.elapsed)},
                   {"viewings", viewings_.size()},
                   {"joined", joined_},
                   {"viewers_without_frames", without_frames_},
                   {"failures", failures},
                   {"offer_ms", to_json(offer_)},
                   {"join_ms", to_json(join_)},
                   {"first_frame_ms", to_json(first_frame_)},
                   {"switch_ms", to_json(switch_)},
                   {"longest_pause_spread_ms", to_json(pause_)},
                   {"frame_rate", {{"mean", frame_rate_}, {"lowest", lowest_frame_rate_}}},
                   {"kbit_per_second_each",
                    viewer_seconds_ > 0 ? double(total_.bytes) * 8 / 1000 / viewer_seconds_ : 0.0}};
  all.update(to_json(total_));
  all["switches"] = {{"asked", switches_asked_},
                     {"done", switches_done_},
                     {"of_campaign", campaign_switches_},
                     {"refused", switches_refused_}};
  all["decode"] = {{"viewers", std::min(options_.decoding, options_.viewers)},
                   {"pictures", decoded_},
                   {"errors", decode_errors_}};
  all["cpu"] = {{"seconds", seconds(cost_.cpu)},
                {"viewer_seconds", viewer_seconds_},
                {"percent_of_a_core_each", 100 * seconds(cost_.cpu) / std::max(0.001, viewer_seconds_)}};
  all["each"] = std::move(each);
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace campaign::load
