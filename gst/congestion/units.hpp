// Time, rate and size as types: a number of one cannot be taken for another. Integers inside (nanoseconds,
// bits per second, bytes), so that the same input gives the same result everywhere. Values, safe from any
// thread. Arithmetic does not check for overflow; what strangers say is bounded where it comes in
// (bandwidth_estimator.cpp).
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>

namespace campaign::congestion {

class TimeDelta {
 public:
  constexpr TimeDelta() = default;
  static constexpr TimeDelta ns(std::int64_t value) { return TimeDelta(value); }
  static constexpr TimeDelta us(std::int64_t value) { return TimeDelta(value * 1'000); }
  static constexpr TimeDelta ms(std::int64_t value) { return TimeDelta(value * 1'000'000); }
  static constexpr TimeDelta seconds(double value) { return TimeDelta(std::int64_t(value * 1e9)); }

  constexpr std::int64_t ns() const { return ns_; }
  constexpr double ms() const { return double(ns_) / 1e6; }
  constexpr double seconds() const { return double(ns_) / 1e9; }

  constexpr auto operator<=>(const TimeDelta&) const = default;
  constexpr TimeDelta operator-() const { return TimeDelta(-ns_); }
  constexpr TimeDelta operator+(TimeDelta other) const { return TimeDelta(ns_ + other.ns_); }
  constexpr TimeDelta operator-(TimeDelta other) const { return TimeDelta(ns_ - other.ns_); }
  constexpr TimeDelta& operator+=(TimeDelta other) { return *this = *this + other; }
  constexpr TimeDelta& operator-=(TimeDelta other) { return *this = *this - other; }
  constexpr TimeDelta operator*(double factor) const { return TimeDelta(std::int64_t(double(ns_) * factor)); }
  constexpr double operator/(TimeDelta other) const { return double(ns_) / double(other.ns_); }

 private:
  constexpr explicit TimeDelta(std::int64_t value) : ns_(value) {}
  std::int64_t ns_ = 0;
};

// A moment on one clock. Moments of two clocks (sender's and receiver's) are never compared with each other.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  static constexpr Timestamp ns(std::int64_t value) { return Timestamp(value); }
  static constexpr Timestamp ms(std::int64_t value) { return Timestamp(value * 1'000'000); }
  static constexpr Timestamp seconds(double value) { return Timestamp(std::int64_t(value * 1e9)); }
  static constexpr Timestamp never() { return Timestamp(std::numeric_limits<std::int64_t>::max()); }

  constexpr std::int64_t ns() const { return ns_; }
  constexpr double seconds() const { return double(ns_) / 1e9; }

  constexpr auto operator<=>(const Timestamp&) const = default;
  constexpr TimeDelta operator-(Timestamp other) const { return TimeDelta::ns(ns_ - other.ns_); }
  constexpr Timestamp operator+(TimeDelta delta) const { return Timestamp(ns_ + delta.ns()); }
  constexpr Timestamp operator-(TimeDelta delta) const { return Timestamp(ns_ - delta.ns()); }

 private:
  constexpr explicit Timestamp(std::int64_t value) : ns_(value) {}
  std::int64_t ns_ = 0;
};

class DataSize {
 public:
  constexpr DataSize() = default;
  static constexpr DataSize bytes(std::int64_t value) { return DataSize(value); }

  constexpr std::int64_t bytes() const { return bytes_; }
  constexpr std::int64_t bits() const { return bytes_ * 8; }

  constexpr auto operator<=>(const DataSize&) const = default;
  constexpr DataSize operator+(DataSize other) const { return DataSize(bytes_ + other.bytes_); }
  constexpr DataSize operator-(DataSize other) const { return DataSize(bytes_ - other.bytes_); }
  constexpr DataSize& operator+=(DataSize other) { return *this = *this + other; }
  constexpr DataSize& operator-=(DataSize other) { return *this = *this - other; }
  constexpr DataSize operator*(double factor) const {
    return DataSize(std::int64_t(double(bytes_) * factor));
  }

 private:
  constexpr explicit DataSize(std::int64_t value) : bytes_(value) {}
  std::int64_t bytes_ = 0;
};

class DataRate {
 public:
  constexpr DataRate() = default;
  static constexpr DataRate bps(std::int64_t value) { return DataRate(value); }
  static constexpr DataRate kbps(std::int64_t value) { return DataRate(value * 1'000); }
  static constexpr DataRate infinite() { return DataRate(std::numeric_limits<std::int64_t>::max()); }

  constexpr std::int64_t bps() const { return bps_; }
  constexpr double kbps() const { return double(bps_) / 1e3; }

  constexpr auto operator<=>(const DataRate&) const = default;
  constexpr DataRate operator+(DataRate other) const { return DataRate(bps_ + other.bps_); }
  constexpr DataRate operator-(DataRate other) const { return DataRate(bps_ - other.bps_); }
  constexpr double operator/(DataRate other) const { return double(bps_) / double(other.bps_); }
  // Stays finite: an infinite rate times anything is the highest that fits.
  constexpr DataRate operator*(double factor) const {
    const double product = double(bps_) * factor;
    return product < 9e18 ? DataRate(std::int64_t(product)) : infinite();
  }

 private:
  constexpr explicit DataRate(std::int64_t value) : bps_(value) {}
  std::int64_t bps_ = 0;
};

constexpr DataRate operator*(double factor, DataRate rate) { return rate * factor; }

// `time` must be longer than zero.
constexpr DataRate operator/(DataSize size, TimeDelta time) {
  return DataRate::bps(1) * (double(size.bits()) / time.seconds());
}
constexpr TimeDelta operator/(DataSize size, DataRate rate) {
  return TimeDelta::seconds(double(size.bits()) / double(rate.bps()));
}
constexpr DataSize operator*(DataRate rate, TimeDelta time) {
  return DataSize::bytes(std::int64_t(double(rate.bps()) * time.seconds() / 8));
}

}  // namespace campaign::congestion
