import { useKnown } from "../app/known";
import { Chooser } from "../parts/chooser";
import { Menu } from "../parts/menu";
import { whole } from "../show/numbers";
import { SavedQueries } from "./saved";

interface Properties {
  fields: string[];
  group: string[];
  total: number | null;
  /** Path that answers the same rows as a file; only the format is missing. */
  exported: string;
  set: (values: Record<string, string | null>) => void;
}

const FORMATS = [
  ["csv", "CSV"],
  ["json", "JSON, an object a line"],
  ["parquet", "Parquet"],
] as const;

/** Columns, grouping, saved queries, files. */
export function FlowTools({ fields, group, total, exported, set }: Properties) {
  const { meta } = useKnown();
  const groupable = meta.fields.filter((field) => field.groupable);
  const first = meta.keys.flatMap((name) => groupable.find((field) => field.name === name) ?? []);
  const others = groupable.filter((field) => !meta.keys.includes(field.name));
  return (
    <div class="tools" role="toolbar" aria-label="Table">
      <Chooser
        title="Columns"
        chosen={fields}
        choices={meta.fields.map(({ name, doc }) => ({ name, doc }))}
        onChange={(names) => set({ fields: names.join() })}
      />
      <Chooser
        title={group.length > 0 ? `Grouped by ${group.join(", ")}` : "Group by"}
        chosen={group}
        choices={[...first, ...others].map(({ name, doc }) => ({ name, doc }))}
        onChange={(names) => set({ group: names.join(), fields: null, sort: null })}
      />
      <SavedQueries />
      <Menu title="Export">
        {FORMATS.map(([format, title]) => (
          <a key={format} href={`${exported}&format=${format}`} download={`flows.${format}`}>
            {title}
          </a>
        ))}
        {total !== null && total > meta.limits.export && (
          <p class="small">The first {whole(meta.limits.export)} rows.</p>
        )}
      </Menu>
    </div>
  );
}
