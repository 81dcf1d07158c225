import { useState } from "preact/hooks";
import { useKept } from "../app/kept";
import { useKnown } from "../app/known";
import { linkTo } from "../app/place";
import { Menu } from "../parts/menu";
import { Empty } from "../parts/states";

interface Saved {
  name: string;
  link: string;
}

/** Queries that this browser keeps by name. The URL is the query: a link shares it with others. */
export function SavedQueries() {
  const { place, question } = useKnown();
  const [saved, setSaved] = useKept<Saved[]>("saved", []);
  const [name, setName] = useState("");
  const save = (event: Event) => {
    event.preventDefault();
    const named = name.trim() || question.filter || "all flows";
    setSaved([...saved.filter((one) => one.name !== named), { name: named, link: linkTo(place.path, place.search) }]);
    setName("");
  };
  return (
    <Menu title="Saved">
      <form class="saving" onSubmit={save}>
        <input
          type="text"
          aria-label="Name of this query"
          placeholder={question.filter || "Name of this query"}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit">Save</button>
      </form>
      {saved.length === 0 && <Empty>No saved queries in this browser. A link to this page holds the query too.</Empty>}
      <ul class="saved">
        {saved.map((one) => (
          <li key={one.name}>
            <a href={one.link}>{one.name}</a>
            <button
              type="button"
              aria-label={`Forget ${one.name}`}
              onClick={() => setSaved(saved.filter((other) => other !== one))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </Menu>
  );
}
