import { useKnown } from "../app/known";
import { changed, go } from "../app/place";
import { parametersOf, type Question } from "../ask/question";
import type { Mistake, Range } from "../ask/shapes";
import { FilterBox } from "./filter_box";
import { TimePicker } from "./time_picker";

/** Parameters that belong to the question, not to a view. */
const OWN = ["q", "t", "from", "to", "tz"];

interface Properties {
  range: Range | null;
  mistake: Mistake | null;
  /** Views whose records have no filter, such as DNS, ask for a time only. */
  filtered?: boolean;
  /** What happens now has no time to choose. */
  timed?: boolean;
}

/** Time and filter, at the top of each view that asks something. What is asked becomes the URL. */
export function QuestionBar({ range, mistake, filtered = true, timed = true }: Properties) {
  const { place, question, meta } = useKnown();
  const put = (next: Question) => {
    const search = parametersOf(next);
    go(changed(place, Object.fromEntries(OWN.map((name) => [name, search.get(name)]))));
  };
  const zoned = (zone: string) => put({ ...question, zone });
  return (
    <search class={timed ? "question" : "question untimed"} aria-label="Question">
      {timed && <TimePicker question={question} range={range} mistake={mistake} onAsk={put} onZone={zoned} />}
      {filtered && (
        <FilterBox
          value={question.filter}
          mistake={mistake?.parameter === "q" ? mistake : null}
          longest={meta.limits.filter}
          onAsk={(filter) => put({ ...question, filter })}
        />
      )}
    </search>
  );
}
