// Where a particle is born and how it moves then: a pure function of the seed, the particle and how often it
// has lived. So the world at any time depends only on the longest life before it, which bounds a seek.

KERNEL void birth(U id, uint generation, uint which, OUT(F) px, OUT(F) py, OUT(F) pz, OUT(F) vx, OUT(F) vy,
                  OUT(F) vz) {
  U h0 = pcg(id ^ pcg(splat_u(P.count.z + generation * 0x9E3779B9u)));
  U h1 = pcg(h0);
  U h2 = pcg(h1);
  U h3 = pcg(h2);
  U h4 = pcg(h3);
  uint shape = uint(P.emitter[which].position.w);
  float radius = P.emitter[which].size.x;
  float thickness = P.emitter[which].size.y;

  // A direction: uniform on the sphere.
  F up = unit(h0) * splat_f(2.0f) - splat_f(1.0f);
  F flat_part = sqrt_f(max_f(splat_f(1.0f) - up * up, splat_f(0.0f)));
  F turn = unit(h1);
  F u = unit(h2);
  F bx = flat_part * cos_turn(turn);
  F bz = flat_part * sin_turn(turn);

  if (shape == 3u) {  // box
    px = (unit(h0) * splat_f(2.0f) - splat_f(1.0f)) * splat_f(radius);
    py = (unit(h1) * splat_f(2.0f) - splat_f(1.0f)) * splat_f(thickness);
    pz = (unit(h2) * splat_f(2.0f) - splat_f(1.0f)) * splat_f(P.emitter[which].size.z);
  } else if (shape == 1u || shape == 2u) {  // disc, ring
    F r = splat_f(radius);
    if (shape == 1u) {
      // radial bias 0: evenly over the area; 1: as dense per radius, so brighter towards the centre
      r = r * (sqrt_f(u) * splat_f(1.0f - P.emitter[which].arm.z) + u * splat_f(P.emitter[which].arm.z));
    } else {
      r = r + bell(h2) * splat_f(thickness);
    }
    float arms = P.emitter[which].size.w;
    if (arms > 0.0f) {
      F arm = floor_f(turn * splat_f(arms)) * splat_f(1.0f / arms);
      // An arm frays towards the rim and closes towards the core.
      F spread = bell(h3) * splat_f(P.emitter[which].arm.x);
      turn = arm + spread + r * splat_f(P.emitter[which].orbit.w) + splat_f(P.emitter[which].arm.y);
    }
    px = r * cos_turn(turn);
    pz = r * sin_turn(turn);
    py = bell(h4) * splat_f(thickness) * max_f(splat_f(1.2f) - r * splat_f(0.9f / max(radius, 1e-6f)), splat_f(0.2f));
  } else {  // ball, shell
    // u^(1/3) would fill the ball evenly; u^(1/2) draws it together a little.
    F r = splat_f(radius);
    if (shape == 0u) r = r * sqrt_f(u);
    else r = r + bell(h2) * splat_f(thickness);
    px = r * bx;
    py = r * up * splat_f(shape == 0u ? P.emitter[which].size.y : 1.0f);
    pz = r * bz;
  }

  F r2 = px * px + pz * pz;
  F inverse = rsqrt_f(r2 + splat_f(P.emitter[which].orbit.y * P.emitter[which].orbit.y) + splat_f(1e-6f));
  F around = inverse * splat_f(P.emitter[which].orbit.x);
  F outward = rsqrt_f(r2 + py * py + splat_f(1e-6f)) * splat_f(P.emitter[which].orbit.z);
  F jitter = splat_f(P.emitter[which].velocity.w) * unit(h4);
  vx = splat_f(P.emitter[which].velocity.x) - pz * around + px * outward + bx * jitter;
  vy = splat_f(P.emitter[which].velocity.y) + py * outward + up * jitter;
  vz = splat_f(P.emitter[which].velocity.z) + px * around + pz * outward + bz * jitter;

  px = px + splat_f(P.emitter[which].position.x);
  py = py + splat_f(P.emitter[which].position.y);
  pz = pz + splat_f(P.emitter[which].position.z);
}
