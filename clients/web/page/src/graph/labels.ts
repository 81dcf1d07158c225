export interface Label {
  text: string;
  x: number;
  y: number;
}

/** Size of a letter of the picture's type, on average and with room around it. */
const LETTER = 6;
const LINE = 13;

/** The longest text of a label; a name may have 255 letters. */
const LONGEST = 30;

/** A name as its label has it: the end of a name says whose it is. */
export function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, 9)}…${text.slice(-(LONGEST - 10))}`;
}

/** Where a label stands whole: not beyond the sides of what is seen, if its node is between them. */
export function within(x: number, text: string, view: { x: number; width: number }, scale: number): number {
  const half = (text.length * LETTER * scale) / 2;
  const right = view.x + view.width;
  if (x < view.x || x > right || half * 2 > view.width) return x;
  return Math.min(Math.max(x, view.x + half), right - half);
}

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
