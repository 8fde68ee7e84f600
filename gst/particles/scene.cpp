#include "particles/scene.hpp"

#include <algorithm>

namespace campaign::particles {

double Scene::longest_life() const {
  double longest = 0;
  for (const auto& emitter : emitters) longest = std::max(longest, emitter.life_max);
  return longest;
}

}  // namespace campaign::particles
