interface Properties {
  label: string;
  /** Title and value of each. */
  figures: readonly (readonly [string, string])[];
}

/** Figures beside each other, each under its title. */
export function FigureList({ label, figures }: Properties) {
  return (
    <ul class="figures" aria-label={label}>
      {figures.map(([title, value]) => (
        <li key={title}>
          <p class="figure-box">
            <span class="title">{title}</span>
            <span class="value">{value}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
