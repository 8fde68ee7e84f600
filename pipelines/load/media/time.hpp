// Time as the load generator's plain parts take it: microseconds of any steady clock.
#pragma once

#include <chrono>

namespace campaign::load {

using Time = std::chrono::microseconds;
using namespace std::chrono_literals;

constexpr double seconds(Time time) { return std::chrono::duration<double>(time).count(); }
constexpr double milliseconds(Time time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace campaign::load
