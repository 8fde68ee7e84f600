// The particle's own constant: where it samples the turbulence, how bright it is, how its weight is rounded.
KERNEL U salt_of(U id) {
  U x = id * splat_u(0x9E3779B9u);
  return (x ^ (x >> 15u)) * splat_u(0x85EBCA77u);
}
