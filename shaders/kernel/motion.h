// One step of the physics for one vector of particles, without branches over them: gravity, turbulence from a
// baked curl-noise table, attractors, colliders, drag. Semi-implicit Euler. ATTRACTORS, SPHERES, PLANES and
// TURBULENCE are constants of the compiled kernel, so that its loops unroll.

// One signed 10-bit component of the packed table, as -511..511.
KERNEL F noise_axis(U packed, uint shift) {
  return to_f((packed >> shift) & splat_u(1023u)) - splat_f(512.0f);
}

KERNEL void accelerate_by_turbulence(U salt, F px, F py, F pz, INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  float cells = P.motion.w;
  // Each particle looks up at its own fixed place within a cell: the steps between cells vanish in the crowd,
  // for one memory access instead of the eight of an interpolation.
  F jx = to_f(salt & splat_u(1023u)) * splat_f(1.0f / 1024.0f);
  F jy = to_f((salt >> 10u) & splat_u(1023u)) * splat_f(1.0f / 1024.0f);
  F jz = to_f(salt >> 20u) * splat_f(1.0f / 4096.0f);
  U cx = floor_bits(px * splat_f(cells) + (jx + splat_f(P.drift.x))) & splat_u(kNoiseSize - 1u);
  U cy = floor_bits(py * splat_f(cells) + (jy + splat_f(P.drift.y))) & splat_u(kNoiseSize - 1u);
  U cz = floor_bits(pz * splat_f(cells) + (jz + splat_f(P.drift.z))) & splat_u(kNoiseSize - 1u);
  U packed = noise_at(cx + cy * splat_u(kNoiseSize) + cz * splat_u(kNoiseSize * kNoiseSize));
  F gain = splat_f(P.motion.z * P.motion.x * (1.0f / 511.0f));
  vx = vx + noise_axis(packed, 0u) * gain;
  vy = vy + noise_axis(packed, 10u) * gain;
  vz = vz + noise_axis(packed, 20u) * gain;
}

KERNEL void accelerate_by_attractors(F px, F py, F pz, INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  float dt = P.motion.x;
  for (uint i = 0u; i < ATTRACTORS; ++i) {
    F dx = splat_f(P.attractor[i].x) - px;
    F dy = splat_f(P.attractor[i].y) - py;
    F dz = splat_f(P.attractor[i].z) - pz;
    F inverse = rsqrt_f(dx * dx + dy * dy + dz * dz + splat_f(P.attractor_shape[i].x));
    F steeper = splat_f(1.0f) + (inverse - splat_f(1.0f)) * splat_f(P.attractor_shape[i].y);
    F pull = inverse * inverse * steeper;
    F gain = pull * splat_f(P.attractor[i].w * dt);
    F spin = pull * splat_f(P.attractor_shape[i].z * dt);
    vx = vx + dx * gain - dz * spin;
    vy = vy + dy * gain;
    vz = vz + dz * gain + dx * spin;
  }
}

// Out of a surface along its normal, and the speed into it turned round.
KERNEL void bounce_off(M inside, F nx, F ny, F nz, F depth, float bounce, INOUT(F) px, INOUT(F) py, INOUT(F) pz,
                       INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  F into = min_f(vx * nx + vy * ny + vz * nz, splat_f(0.0f)) * splat_f(1.0f + bounce);
  F push = select(inside, depth, splat_f(0.0f));
  F turn = select(inside, into, splat_f(0.0f));
  px = px + nx * push;
  py = py + ny * push;
  pz = pz + nz * push;
  vx = vx - nx * turn;
  vy = vy - ny * turn;
  vz = vz - nz * turn;
}

KERNEL void collide(INOUT(F) px, INOUT(F) py, INOUT(F) pz, INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  for (uint i = 0u; i < SPHERES; ++i) {
    F dx = px - splat_f(P.sphere[i].x);
    F dy = py - splat_f(P.sphere[i].y);
    F dz = pz - splat_f(P.sphere[i].z);
    F r2 = dx * dx + dy * dy + dz * dz + splat_f(1e-12f);
    F inverse = rsqrt_f(r2);
    F depth = splat_f(P.sphere[i].w) - r2 * inverse;
    bounce_off(greater(depth, splat_f(0.0f)), dx * inverse, dy * inverse, dz * inverse, depth, P.bounce.x, px, py,
               pz, vx, vy, vz);
  }
  for (uint i = 0u; i < PLANES; ++i) {
    F nx = splat_f(P.plane[i].x);
    F ny = splat_f(P.plane[i].y);
    F nz = splat_f(P.plane[i].z);
    F depth = splat_f(P.plane[i].w) - (px * nx + py * ny + pz * nz);
    bounce_off(greater(depth, splat_f(0.0f)), nx, ny, nz, depth, P.bounce.y, px, py, pz, vx, vy, vz);
  }
}

// What the forces make of the velocity; then where it takes the particle.
KERNEL void accelerate(U salt, F px, F py, F pz, INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  if (TURBULENCE) accelerate_by_turbulence(salt, px, py, pz, vx, vy, vz);
  accelerate_by_attractors(px, py, pz, vx, vy, vz);
}

KERNEL void travel(INOUT(F) px, INOUT(F) py, INOUT(F) pz, INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  F dt = splat_f(P.motion.x);
  F kept = splat_f(P.motion.y);
  vx = (vx + splat_f(P.gravity.x) * dt) * kept;
  vy = (vy + splat_f(P.gravity.y) * dt) * kept;
  vz = (vz + splat_f(P.gravity.z) * dt) * kept;
  px = px + vx * dt;
  py = py + vy * dt;
  pz = pz + vz * dt;
  collide(px, py, pz, vx, vy, vz);
}

KERNEL void move(U salt, INOUT(F) px, INOUT(F) py, INOUT(F) pz, INOUT(F) vx, INOUT(F) vy, INOUT(F) vz) {
  accelerate(salt, px, py, pz, vx, vy, vz);
  travel(px, py, pz, vx, vy, vz);
}
