// Births, before the step that moves the newborn: whole cohorts whose life begins in this step, and all
// particles from the first one that the world did not have before. Apart from step.comp, because a software
// driver walks both sides of every branch for every particle.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

#include "kernel/lanes.glsl"
#include "kernel/params.h"

layout(std140, binding = 0) uniform StepBlock { StepParams P; };
layout(std430, binding = 2) readonly buffer CohortBlock { Cohort cohort[kClasses]; };
layout(std430, binding = 4) writeonly buffer StateBlock { vec4 state[]; };

#include "kernel/random.h"
#include "kernel/birth.h"

void main() {
  uint i = gl_GlobalInvocationID.x;
  uint in_cohorts = P.births.x * P.births.y;
  uint groups = (P.count.x + 3u) / 4u;
  uint group = i < in_cohorts ? cohort[i % max(P.births.x, 1u)].life.z + kClasses * (i / max(P.births.x, 1u))
                              : P.count.y / 4u + (i - in_cohorts);
  if (group >= groups) return;
  Cohort born = cohort[group % kClasses];
  F px, py, pz, vx, vy, vz;
  birth(splat_u(group * 4u) + U(0u, 1u, 2u, 3u), born.life.y, born.life.x, px, py, pz, vx, vy, vz);
  uint stride = P.count.w;
  state[group] = px;
  state[group + stride] = py;
  state[group + 2u * stride] = pz;
  state[group + 3u * stride] = vx;
  state[group + 4u * stride] = vy;
  state[group + 5u * stride] = vz;
}
