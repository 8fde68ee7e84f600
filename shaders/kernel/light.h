// What a particle adds to the picture: which pixel, and three 21-bit weights in one 64-bit word. Sums of
// integers do not depend on their order, so a picture is the same to the bit however many threads drew it.

const uint kNoPixel = 0xFFFFFFFFu;

// Where on the picture, each way from 0 below 2^V.place.x: the same for pictures of all sizes that look the same
// way, so that what is worked out for one of them holds for the others. False outside the picture or behind
// the camera.
KERNEL M place_of(F px, F py, F pz, OUT(U) across, OUT(U) down, OUT(F) inverse_depth) {
  F w = px * splat_f(V.depth.x) + py * splat_f(V.depth.y) + (pz * splat_f(V.depth.z) + splat_f(V.depth.w));
  F x = px * splat_f(V.column.x) + py * splat_f(V.column.y) + (pz * splat_f(V.column.z) + splat_f(V.column.w));
  F y = px * splat_f(V.row.x) + py * splat_f(V.row.y) + (pz * splat_f(V.row.z) + splat_f(V.row.w));
  inverse_depth = splat_f(1.0f) / max_f(w, splat_f(0.05f));
  x = x * inverse_depth;
  y = y * inverse_depth;
  M ahead = greater(w, splat_f(0.05f));
  M inside_x = both(greater(x, splat_f(0.0f)), less(x, splat_f(1.0f)));
  M inside_y = both(greater(y, splat_f(0.0f)), less(y, splat_f(1.0f)));
  M inside = both(ahead, both(inside_x, inside_y));
  F places = splat_f(float(1u << V.place.x));
  across = to_u(select(inside, x, splat_f(0.0f)) * places);
  down = to_u(select(inside, y, splat_f(0.0f)) * places);
  return inside;
}

// The pixel as x | y << 16, or kNoPixel. Exact: a picture's side times its places fits into 32 bits.
KERNEL U pixel_of(F px, F py, F pz, OUT(F) inverse_depth) {
  U across, down;
  M inside = place_of(px, py, pz, across, down, inverse_depth);
  U x = (across * splat_u(V.raster.x)) >> V.place.x;
  U y = (down * splat_u(V.raster.y)) >> V.place.x;
  return select_u(inside, x | (y << 16u), splat_u(kNoPixel));
}

// Most are faint and few are bright, as stars are: the square of a uniform number, mean 0.6.
KERNEL F brightness_of(U salt) {
  F b = to_f(salt >> 24u) * splat_f(1.0f / 256.0f);
  return splat_f(0.2f) + b * b * splat_f(1.2f);
}

// 0..1: how much of the fast colour a particle shows.
KERNEL F heat_of(F vx, F vy, F vz, F per_speed2) {
  return min_f((vx * vx + vy * vy + vz * vz) * per_speed2, splat_f(1.0f));
}

// One channel's weight, rounded by the particle's own threshold so that faint light is kept on average.
KERNEL U weight_of(F slow, F fast, F heat, F scale, U salt) {
  F threshold = to_f((salt >> 8u) & splat_u(255u)) * splat_f(1.0f / 256.0f);
  return to_u(min_f((slow + heat * fast) * scale, splat_f(1023.0f)) + threshold);
}
