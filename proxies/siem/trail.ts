/** Places up to which events were taken, back to the one from which everything can be sent again. At most as many as make up the overlap. */

export type Trail<Place> = {
  /** `bytes` were taken, and with them everything up to `at`. */
  passed(at: Place, bytes: number): void;
  /** At least `overlapBytes` behind the last, or where the trail began. */
  certain(): Place;
};

export function openTrail<Place>(start: Place, overlapBytes: number): Trail<Place> {
  let certain = start;
  let steps: { at: Place; bytes: number }[] = [];
  let behind = 0;
  return {
    passed(at, bytes) {
      steps.push({ at, bytes });
      behind += bytes;
      let gone = 0;
      for (const step of steps) {
        if (behind - step.bytes < overlapBytes) break;
        behind -= step.bytes;
        certain = step.at;
        gone++;
      }
      steps = steps.slice(gone);
    },
    certain: () => certain,
  };
}
