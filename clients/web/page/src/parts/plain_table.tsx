import type { ComponentChildren } from "preact";

export interface Head<T> {
  title: string;
  /** Numbers stand at the right, so that their digits are below each other. */
  right?: boolean;
  /** Texts that may take several lines. */
  wraps?: boolean;
  cell: (row: T) => ComponentChildren;
}

/** A short table, all of it in the page. */
export function PlainTable<T>({
  label,
  heads,
  rows,
  id,
}: {
  label: string;
  heads: Head<T>[];
  rows: T[];
  id?: (row: T) => string;
}) {
  return (
    <div class="scrolled" tabIndex={0} role="region" aria-label={`Table: ${label}`}>
      <table class="plain">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head.title} scope="col" class={head.right ? "right" : ""}>
                {head.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={id ? id(row) : place}>
              {heads.map((head) => (
                <td key={head.title} class={head.right ? "right" : head.wraps ? "wraps" : ""}>
                  {head.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
