export interface Label {
  text: string;
  x: number;
  y: number;
}

/** Size of a letter of the picture's type, on average and with room around it. */
const LETTER = 6;
const LINE = 13;

/** The places of the labels that fit beside those before them: the first ones count most; `scale` is that of their type. */
export function uncrowded(labels: Label[], most: number, scale = 1): Set<number> {
  const taken: [number, number, number, number][] = [];
  const found = new Set<number>();
  for (const [place, { text, x, y }] of labels.entries()) {
    if (found.size >= most) break;
    const half = (text.length * LETTER * scale) / 2;
    const [left, right, top, bottom] = [x - half, x + half, y - LINE * scale, y];
    if (taken.some(([l, r, t, b]) => left < r && l < right && top < b && t < bottom)) continue;
    taken.push([left, right, top, bottom]);
    found.add(place);
  }
  return found;
}
