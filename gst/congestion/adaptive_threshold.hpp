// How large a trend must be to mean something. It follows the trend, quickly up and down, so that a flow
// neither starves beside one that fills the queue nor stays deaf afterwards (draft-ietf-rmcat-gcc-02,
// section 5.4).
#pragma once

#include <optional>

#include "congestion/units.hpp"

namespace campaign::congestion {

class AdaptiveThreshold {
 public:
  double value() const { return value_; }  // ms, as the modified trend

  void follow(double modified_trend, Timestamp arrival);

 private:
  double value_ = 12.5;  // ms; draft, 5.4: del_var_th(0)
  std::optional<Timestamp> last_;
};

}  // namespace campaign::congestion
